import { defineConfig } from "vite";

/** No inline script or style may leave this build: the bridge serves it under a CSP that refuses them. */
export default defineConfig({
  root: import.meta.dirname,
  cacheDir: "../../node_modules/.cache/vite",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
});

import { defineConfig } from "vitest/config";

/** `SHAO_LONG=1` adds what takes longer than a developer waits: files named `*.long.test.ts`. */
const long = process.env["SHAO_LONG"] === "1";

export default defineConfig({
  test: {
    include: long ? ["test/**/*.test.ts"] : ["test/**/*.test.ts", "!test/**/*.long.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});

import { existsSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { build } from "vite";

/**
 * `node scripts/join-typebox.ts NODE_MODULES [--alone]`: TypeBox comes in 700 files, two thirds of all that a gateway loads, and
 * each costs a process some 20 KB beside what stands in it. This joins them, with Vite's bundler, into one file for each entry
 * and what those share, beside the package's own, and points its package.json there. See ADR 018. With `--alone` the package's
 * own files go. A second run changes nothing.
 */
const JOINED = "joined";

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly import?: string; readonly default: string }>>;
}

const [modules, option] = process.argv.slice(2);
const folder = resolve(modules ?? "", "typebox");
if (modules === undefined || !existsSync(folder) || (option !== undefined && option !== "--alone")) {
  process.stderr.write("usage: node scripts/join-typebox.ts NODE_MODULES [--alone] (a folder with typebox in it)\n");
  process.exit(64);
}
const manifest: Manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
const isJoined = Object.values(manifest.exports).every((entry) => entry.default.startsWith(`./${JOINED}/`));
if (!isJoined) await joinEntries();
if (option === "--alone") await rm(join(folder, "build"), { recursive: true, force: true });
process.stdout.write(`typebox ${manifest.version} is joined\n`);

async function joinEntries(): Promise<void> {
  const entries = Object.entries(manifest.exports).map(([name, entry]) => ({
    name,
    path: entry.import ?? entry.default,
    file: name === "." ? "index" : name.slice(2).replaceAll("/", "-"),
  }));
  await build({
    configFile: false,
    envDir: false,
    logLevel: "warn",
    root: folder,
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: join(folder, JOINED),
      emptyOutDir: true,
      minify: false,
      target: "node24",
      rolldownOptions: {
        input: Object.fromEntries(entries.map(({ file, path }) => [file, join(folder, path)])),
        output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
      },
    },
  });
  const exports = Object.fromEntries(
    entries.map(({ name, path, file }) => [
      name,
      { types: path.replace(/\.mjs$/, ".d.mts"), default: `./${JOINED}/${file}.mjs` },
    ]),
  );
  // Last and at once: a run that is cut off leaves the package as it was.
  const path = join(folder, "package.json");
  await writeFile(`${path}.new`, `${JSON.stringify({ ...manifest, exports }, undefined, 2)}\n`);
  await rename(`${path}.new`, path);
}

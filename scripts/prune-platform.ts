import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * `node scripts/prune-platform.ts NODE_MODULES [ARCH]`: for this platform, or Node's name of another processor, removes the native builds of other platforms, and the sources of those
 * that are built already. Says what it freed.
 */
const PLATFORMS = ["darwin", "linuxmusl", "linux", "win32", "android"] as const;

/** Sources beside ready builds, and of each package only these: a folder `src` may be what another package runs. */
const BUILT_SOURCES = ["better-sqlite3/deps", "better-sqlite3/src", "@serialport/bindings-cpp/src"];

const isMusl = process.platform === "linux" && !hasGlibc();
let freedBytes = 0;

const [root, arch = process.arch] = process.argv.slice(2);
if (root === undefined || !existsSync(root)) {
  process.stderr.write("usage: node scripts/prune-platform.ts NODE_MODULES [ARCH] (a folder that is there)\n");
  process.exit(64);
}
prune(root);
for (const source of BUILT_SOURCES) remove(join(root, source));
process.stdout.write(
  `kept the builds for ${process.platform}-${arch}${isMusl ? " (musl)" : ""}, freed ${Math.round(freedBytes / 1e6)} MB\n`,
);

/** Goes through all packages, also those inside of others. */
function prune(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (entry.name === "prebuilds") pruneBuilds(path);
    else if (/^napi-v\d+$/.test(entry.name)) pruneNested(path);
    else prune(path);
  }
}

/** `prebuilds/linux-x64.node`, or `prebuilds/linux-x64/….glibc.node` and `….musl.node`. */
function pruneBuilds(folder: string): void {
  for (const name of readdirSync(folder)) {
    const platform = PLATFORMS.find((candidate) => name.startsWith(`${candidate}-`));
    if (platform === undefined) continue;
    const path = join(folder, name);
    const architectures = name
      .slice(platform.length + 1)
      .replace(/\.node$/, "")
      .split("+");
    const fits =
      platform === "linuxmusl" ? isMusl : platform === process.platform && !(isMusl && name.endsWith(".node"));
    if (!fits || !architectures.includes(arch)) remove(path);
    else if (statSync(path).isDirectory()) pruneLibc(path);
  }
}

function pruneLibc(folder: string): void {
  if (process.platform !== "linux") return;
  const other = isMusl ? ".glibc.node" : ".musl.node";
  for (const name of readdirSync(folder)) if (name.endsWith(other)) remove(join(folder, name));
}

/** `bin/napi-v6/linux/x64/`, as onnxruntime-node has it. */
function pruneNested(folder: string): void {
  for (const platform of readdirSync(folder)) {
    if (platform !== process.platform) remove(join(folder, platform));
    else {
      for (const architecture of readdirSync(join(folder, platform))) {
        if (architecture !== arch) remove(join(folder, platform, architecture));
      }
    }
  }
}

function remove(path: string): void {
  if (!existsSync(path)) return;
  freedBytes += sizeOf(path);
  rmSync(path, { recursive: true });
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function hasGlibc(): boolean {
  const report = process.report.getReport();
  return (
    "header" in report &&
    typeof report.header === "object" &&
    report.header !== null &&
    "glibcVersionRuntime" in report.header
  );
}

import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { PackagingFault, run } from "./commands.ts";
import { type Arch, fetchModules, fetchNode, NODE_ARCH } from "./fetched.ts";

/** What of the repository is in a package, as git lists it. */
const PROGRAM = [
  "protocol",
  "drivers",
  "gateway",
  "cloud-bridge",
  "cli",
  "bench",
  "models",
  "config",
  "docs",
  "scripts/shao",
  "scripts/health-check.ts",
  "scripts/warm-cache.ts",
  "package.json",
  "LICENSE",
  "README.md",
  "README.zh-CN.md",
  "CHANGELOG.md",
] as const;
/** The console is shipped as it was built, and a model without what trained it. */
const NOT_SHIPPED = /^(cloud-bridge\/console|models\/[^/]+\/train)\//;
/** Of packages: types, sources that Node refuses there, maps, pages that nobody reads on a box, and settings of their makers' tools. */
const NOT_RUN = /^\.|\.(ts|mts|cts|map|md|markdown|flow)$/i;
/** Of a package, beside what it runs: what its makers test, measure, show and explain it with. */
const NOT_RUN_FOLDER =
  /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^@/][^/]*\/(?:coverage|tests?|__tests__|docs?|examples?|bench|benchmarks?)\//;
const LICENCE = /licen[cs]e|copying|notice|copyright/i;

/** Makes the folder that both forms of the package hold. */
export function layOut(root: string, arch: Arch, folder: string, isBuilt: (dist: string) => boolean): void {
  mkdirSync(folder, { recursive: true });
  const tracked = run(["git", "ls-files", "-z", "--", ...PROGRAM], {
    cwd: root,
    hint: "A package is made from a clone: git says what belongs to it.",
  });
  const files = tracked.split("\0").filter((path) => path !== "" && !NOT_SHIPPED.test(path));
  if (files.length < 100) throw new PackagingFault(`git lists ${files.length} files`, "Is this a whole clone?");
  for (const path of files) place(join(root, path), join(folder, path));
  const dist = join(root, "cloud-bridge", "console", "dist");
  if (!isBuilt(dist)) throw new PackagingFault("the console is not built", "Run scripts/setup.");
  cpSync(dist, join(folder, "cloud-bridge", "console", "dist"), {
    recursive: true,
    filter: (path) => !path.endsWith(".built-from"),
  });
  const modules = join(folder, "node_modules");
  cpSync(fetchModules(root, arch), modules, { recursive: true, verbatimSymlinks: true });
  rmSync(join(modules, ".package-lock.json"), { force: true });
  rmSync(join(modules, ".bin"), { recursive: true, force: true });
  run([process.execPath, "scripts/prune-platform.ts", modules, NODE_ARCH[arch]], { cwd: root });
  for (const path of filesOf(modules)) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (isNotRun(path, name)) rmSync(join(modules, path));
  }
  const node = fetchNode(root, arch);
  place(join(node, "bin", "node"), join(folder, "bin", "node"));
  place(join(node, "LICENSE"), join(folder, "bin", "node.LICENSE"));
}

/** @param path below node_modules. A licence stays wherever it lies. */
export function isNotRun(path: string, name: string): boolean {
  return (NOT_RUN.test(name) || NOT_RUN_FOLDER.test(path)) && !LICENCE.test(name);
}

/** Units with the program's place in them. */
export function writeUnits(root: string, folder: string, program: string): void {
  const from = join(root, "scripts", "packaging", "systemd");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(from)) {
    writeFileSync(join(folder, name), readFileSync(join(from, name), "utf8").replaceAll("@SHAO@", program));
  }
}

/** One date, and rights that no umask changed: the same bytes wherever it is made. */
export function normalise(folder: string, epochS: number): void {
  run(["find", folder, "-depth", "-type", "d", "-empty", "-delete"]);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of paths) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink()) chmodSync(path, entry.isDirectory() || isProgram(path) ? 0o755 : 0o644);
  }
  for (const entry of paths) lutimesSync(join(entry.parentPath, entry.name), epochS, epochS);
  chmodSync(folder, 0o755);
  lutimesSync(folder, epochS, epochS);
}

function isProgram(path: string): boolean {
  return /\/(bin\/node|scripts\/shao|DEBIAN\/(postinst|prerm|postrm))$/.test(path);
}

/** Every plain file below a folder, sorted; no link is followed. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !hasLink(folder, path))
    .sort();
}

/** A listing goes into folders that are links, too. */
function hasLink(folder: string, path: string): boolean {
  return path.split("/").some((_, at, names) => lstatSync(join(folder, ...names.slice(0, at))).isSymbolicLink());
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { verbatimSymlinks: true });
}

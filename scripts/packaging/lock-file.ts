import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What package-lock.json says of one folder under node_modules. */
export interface LockedPackage {
  /** `node_modules/a/node_modules/b`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
  readonly integrity: string | undefined;
  readonly dependencies: readonly string[];
  /** Names of packages that whoever depends on it brings. */
  readonly peers: readonly string[];
  readonly os: readonly string[] | undefined;
  readonly cpu: readonly string[] | undefined;
  readonly libc: readonly string[] | undefined;
}

interface LockEntry {
  readonly name?: string;
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Packages whose manifest names no licence, with that of the licence file beside it. */
export const UNNAMED_LICENSES: ReadonlyMap<string, string> = new Map([["node_modules/async", "MIT"]]);

/** The packages that run, of all platforms, sorted by path; developers' packages are left out. */
export function productionPackages(root: string): readonly LockedPackage[] {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== "" && dev !== true && devOptional !== true)
    .map(([path, entry]) => ({
      path,
      name: entry.name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version: entry.version,
      license: entry.license ?? UNNAMED_LICENSES.get(path),
      integrity: entry.integrity,
      dependencies: Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }).sort(),
      peers: Object.keys(entry.peerDependencies ?? {}).sort(),
      os: entry.os,
      cpu: entry.cpu,
      libc: entry.libc,
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Of those the packages that a program on this processor can reach: a package for everybody that only another platform's build asks
 * for, as sharp's WebAssembly, is none of them.
 */
export function packagesFor(root: string, arch: string): readonly LockedPackage[] {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const fitting = productionPackages(root).filter((entry) => fitsPlatform(entry, arch));
  const places = new Map(fitting.map((entry) => [entry.path, entry]));
  const reached = new Set<string>();
  const waiting = Object.keys(manifest.dependencies).map((name) => placeOf(places, "", name));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const entry = places.get(path);
    if (entry === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const name of [...entry.dependencies, ...entry.peers]) waiting.push(placeOf(places, path, name));
  }
  return fitting.filter(({ path }) => reached.has(path));
}

/** Where `name` is found from a package's folder: beside it, or in a folder above, as Node looks for it. */
export function placeOf(places: ReadonlyMap<string, unknown>, from: string, name: string): string {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (places.has(path) || folder === "") return path;
  }
}

/** Whether it is for Linux with glibc on this processor (Node's name of it). */
export function fitsPlatform({ os, cpu, libc }: Pick<LockedPackage, "os" | "cpu" | "libc">, arch: string): boolean {
  return isListed(os, "linux") && isListed(cpu, arch) && isListed(libc, "glibc");
}

/** npm's rule: a list of those that fit, or of `!those` that do not. */
function isListed(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined || list.includes(value)) return true;
  return list.every((item) => item.startsWith("!")) && !list.includes(`!${value}`);
}

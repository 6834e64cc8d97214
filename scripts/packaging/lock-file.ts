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
      os: entry.os,
      cpu: entry.cpu,
      libc: entry.libc,
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
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

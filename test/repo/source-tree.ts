import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository, with a trailing slash. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where the product's own code lives. */
export const SOURCE_FOLDERS = ["protocol", "drivers", "gateway", "cloud-bridge", "cli", "bench", "scripts"] as const;

const NOT_OURS = new Set(["node_modules", ".git", "dist", "state", ".cache", "coverage"]);

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every file under `folders` (all of the repository by default) whose name ends with one of `endings`, sorted. */
export function filesUnder(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  const found: SourceFile[] = [];
  for (const folder of folders) walk(join(ROOT, folder), endings, found);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function walk(folder: string, endings: readonly string[], found: SourceFile[]): void {
  let entries: ReturnType<typeof list>;
  try {
    entries = list(folder);
  } catch {
    return;
  }
  for (const entry of entries) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, endings, found);
    else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) {
      found.push({ path: relative(ROOT, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") });
    }
  }
}

function list(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}

/** Says how many files a check saw; a check that saw none proves nothing. */
export function counted<T>(what: string, seen: readonly T[]): readonly T[] {
  if (seen.length === 0) throw new Error(`${what}: saw no file at all`);
  process.stderr.write(`${what}: ${seen.length} files\n`);
  return seen;
}

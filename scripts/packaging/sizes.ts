import { lstatSync } from "node:fs";
import { join } from "node:path";
import { filesOf } from "./lay-out.ts";

export interface Part {
  readonly name: string;
  readonly bytes: number;
}

/** What a laid-out package is made of, largest first: Node, each npm package, the console, documents, our own code. */
export function partsOf(folder: string): readonly Part[] {
  const bytesOf = new Map<string, number>();
  for (const path of filesOf(folder)) {
    const part = partOf(path);
    bytesOf.set(part, (bytesOf.get(part) ?? 0) + lstatSync(join(folder, path)).size);
  }
  return [...bytesOf]
    .map(([name, bytes]) => ({ name, bytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}

function partOf(path: string): string {
  const [first = "", second = "", third = ""] = path.split("/");
  if (first === "bin") return "Node";
  if (first === "node_modules") return `package ${second.startsWith("@") ? `${second}/${third}` : second}`;
  if (path.startsWith("cloud-bridge/console/")) return "console";
  if (first === "docs" || second === "") return "documents";
  if (first === "config") return "samples and schemas";
  return "Shao";
}

/** For people: every part above 1 % by name, the rest in one line. */
export function sizeTable(parts: readonly Part[]): string {
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const shown = parts.filter(({ bytes, name }) => bytes > all / 100 || !name.startsWith("package "));
  const rest = parts.filter((part) => !shown.includes(part));
  const lines = [
    ...shown,
    { name: `${rest.length} smaller packages`, bytes: rest.reduce((sum, { bytes }) => sum + bytes, 0) },
    { name: "together, unpacked", bytes: all },
  ];
  return lines.map(({ name, bytes }) => `${(bytes / 1e6).toFixed(1).padStart(8)} MB  ${name}`).join("\n");
}

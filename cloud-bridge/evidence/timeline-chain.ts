import { createHash } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";

/** One entry of a case's timeline, as far as its place in the chain goes. */
export interface ChainedEntry {
  readonly seq: number;
  /** SHA-256 over the hash before it and the entry's canonical JSON. */
  readonly hash: string;
}

/** Hash before the first entry: of the case's id, so that no chain can be moved to another case. */
export function firstHash(caseId: string): string {
  return createHash("sha256").update(`shao case ${caseId}`).digest("hex");
}

export function chainedHash(before: string, entry: Omit<ChainedEntry, "hash">): string {
  return createHash("sha256").update(before).update("\n").update(canonicalJson(entry)).digest("hex");
}

/** @returns the first seq whose hash does not follow from what stands there, or undefined when the chain holds */
export function brokenAt(caseId: string, entries: readonly ChainedEntry[]): number | undefined {
  let before = firstHash(caseId);
  for (const [index, { hash, ...entry }] of entries.entries()) {
    if (entry.seq !== index + 1 || chainedHash(before, entry) !== hash) return index + 1;
    before = hash;
  }
  return undefined;
}

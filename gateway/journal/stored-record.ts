import { crc32 } from "node:zlib";
import type { NewRecord } from "../../protocol/record.ts";
import { SHELF, type Shelf, shelfOf } from "./shelf.ts";

/** A row's own check: SQLite notices a damaged page, but not a damaged value in it. */
export function crcOf(bytes: Uint8Array | string): number {
  return crc32(bytes);
}

/** @returns what a stored text says, undefined where it is none or a damage made it no JSON */
export function jsonOf(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** @returns the record of stored bytes, undefined where they are none */
export function recordOf(bytes: Uint8Array): StoredJson | undefined {
  const value = jsonOf(Buffer.from(bytes).toString("utf8"));
  if (typeof value !== "object" || value === null || !("seq" in value) || !("kind" in value)) return undefined;
  if (!("body" in value) || typeof value.body !== "object" || value.body === null) return undefined;
  return value as StoredJson;
}

/** What this program once encoded; read back from its own file, whose row check has been compared. */
export type StoredJson = NewRecord & { readonly seq: number };

/** @param lane of version 1, where it tells older health from the newest */
export function shelfOfBytes(kind: string, lane: number, record: StoredJson | undefined): Shelf {
  if (record !== undefined && record.kind === kind) return shelfOf(record, lane === 4);
  return lane === 0 ? SHELF.urgent : SHELF.other;
}

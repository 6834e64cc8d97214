import { Compile } from "typebox/compile";
import { isShallow } from "./json-depth.ts";
import { MAX_BODY_BYTES } from "./limits.ts";
import { BODY_SCHEMAS, type KnownRecord, RecordHead, type RecordKind } from "./record.ts";
import { bodyLimit } from "./record-encode.ts";

export { isShallow } from "./json-depth.ts";
export { encodeRecord } from "./record-encode.ts";

/** Why an item was refused; the seq is given wherever it can still be read. */
export interface ItemFault {
  readonly ok: false;
  readonly seq?: number;
  readonly code: "ITEM_NOT_JSON" | "ITEM_TOO_DEEP" | "ITEM_HEAD" | "ITEM_BODY" | "ITEM_TOO_LARGE";
}

/** `known` is the same record, typed, when its kind is one of this version; else the bridge stores it raw. */
export interface DecodedRecord {
  readonly ok: true;
  readonly record: RecordHead;
  readonly known: KnownRecord | undefined;
}

const checkedHead = Compile(RecordHead);
const checkedBodies = new Map<string, { Check(value: unknown): boolean }>(
  Object.entries(BODY_SCHEMAS).map(([kind, schema]) => [kind, Compile(schema)]),
);

/** Reads stored bytes from anywhere. Unknown fields are ignored, an unknown kind is no fault. */
export function decodeRecord(bytes: Uint8Array): DecodedRecord | ItemFault {
  if (!isShallow(bytes)) return fault("ITEM_TOO_DEEP", bytes);
  let value: unknown;
  try {
    value = JSON.parse(strictUtf8.decode(bytes));
  } catch {
    return fault("ITEM_NOT_JSON", bytes);
  }
  if (!checkedHead.Check(value)) return fault("ITEM_HEAD", bytes);
  const schema = checkedBodies.get(value.kind);
  if (schema === undefined) {
    return isTooLarge(bytes, value, MAX_BODY_BYTES)
      ? { ok: false, seq: value.seq, code: "ITEM_TOO_LARGE" }
      : { ok: true, record: value, known: undefined };
  }
  if (!schema.Check(value.body)) return { ok: false, seq: value.seq, code: "ITEM_BODY" };
  const known = value as KnownRecord;
  if (isTooLarge(bytes, value, bodyLimit(known))) return { ok: false, seq: value.seq, code: "ITEM_TOO_LARGE" };
  return { ok: true, record: value, known };
}

export function isKind<K extends RecordKind>(
  record: KnownRecord | undefined,
  kind: K,
): record is Extract<KnownRecord, { kind: K }> {
  return record?.kind === kind;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A line that is no longer than the limit cannot hold a longer body, so most bodies are never measured. */
function isTooLarge(bytes: Uint8Array, record: RecordHead, limit: number): boolean {
  if (bytes.length <= limit) return false;
  return Buffer.byteLength(JSON.stringify(record.body ?? null)) > limit;
}

function fault(code: ItemFault["code"], bytes: Uint8Array): ItemFault {
  const seq = salvagedSeq(bytes);
  return seq === undefined ? { ok: false, code } : { ok: false, seq, code };
}

/** Our encoder writes `{"seq":N` first, so that the seq of a broken item can mostly be told and refused by number. */
function salvagedSeq(bytes: Uint8Array): number | undefined {
  const match = /^\{"seq":([1-9][0-9]{0,15})[,}]/.exec(Buffer.from(bytes.subarray(0, 32)).toString("latin1"));
  const seq = Number(match?.[1] ?? Number.NaN);
  return Number.isSafeInteger(seq) ? seq : undefined;
}

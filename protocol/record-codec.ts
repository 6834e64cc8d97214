import { Compile } from "typebox/compile";
import { ProtocolError } from "./errors.ts";
import { MAX_BODY_BYTES, MAX_JSON_DEPTH, MAX_URGENT_BODY_BYTES } from "./limits.ts";
import { BODY_SCHEMAS, type KnownRecord, laneOf, type NewRecord, RecordHead, type RecordKind } from "./record.ts";

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

/**
 * The stored bytes of a record: the UTF-8 JSON of its head on one line, `seq` first and `body` last. These bytes are
 * hashed, kept, sent and stored; nobody writes them a second time.
 * @throws ProtocolError BODY_TOO_LARGE
 */
export function encodeRecord(seq: number, record: NewRecord): Uint8Array {
  const { upMs, atMs, timeQuality, kind, device, subject, body } = record;
  const bodyText = JSON.stringify(body);
  const limit = bodyLimit(record);
  if (bodyText.length > limit / 3 && Buffer.byteLength(bodyText) > limit) {
    throw new ProtocolError(
      "BODY_TOO_LARGE",
      `body of ${kind} is larger than ${limit} bytes`,
      "Send what is larger as evidence (a blob).",
    );
  }
  const head = JSON.stringify({ seq, upMs, atMs, timeQuality, kind, device, subject });
  return Buffer.from(`${head.slice(0, -1)},"body":${bodyText}}`);
}

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

function bodyLimit(record: Pick<NewRecord, "kind" | "body">): number {
  return laneOf(record) <= 1 ? MAX_URGENT_BODY_BYTES : MAX_BODY_BYTES;
}

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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Nesting of braces and brackets outside strings, before anything is parsed. */
export function isShallow(bytes: Uint8Array, limit: number = MAX_JSON_DEPTH): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > limit) return false;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return true;
}

import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { ProtocolError } from "./errors.ts";
import { RunId, type Sha256, UpMs } from "./ids.ts";
import { isShallow } from "./json-depth.ts";
import {
  MAX_ENVELOPE_BYTES,
  MAX_ENVELOPE_ITEMS,
  MAX_JSON_DEPTH,
  PROTOCOL_VERSION,
  READABLE_VERSIONS,
} from "./limits.ts";
import { namesDictionary, type Packing, pack, unpack } from "./packing.ts";
import { Hello } from "./session.ts";

/**
 * First line of an envelope. `head` is the run's newest seq at sending. `upMs` is the run's monotonic time at sending and
 * stands only in envelopes of the run that is being written now: it gives its records their age (docs/adr/001).
 */
export const EnvelopeHeader = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  run: RunId,
  head: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  upMs: Type.Optional(UpMs),
  count: Type.Integer({ minimum: 1, maximum: MAX_ENVELOPE_ITEMS }),
});
export type EnvelopeHeader = Static<typeof EnvelopeHeader>;

/** One item as it was sent: hashed, and nothing more. */
export interface EnvelopeItem {
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
}

export interface EnvelopeFault {
  readonly type: "fault";
  readonly code:
    | "ENVELOPE_TOO_LARGE"
    | "ENVELOPE_CORRUPT"
    | "ENVELOPE_HEADER"
    | "ENVELOPE_VERSION"
    | "ENVELOPE_ITEMS"
    | "HELLO_INVALID";
  /** Of the bytes as they came: what an `undecodable` answer names. */
  readonly sha256: Sha256;
}

/** Everything that can arrive on `up`. */
export type UpMessage =
  | { readonly type: "hello"; readonly hello: Hello }
  | {
      readonly type: "envelope";
      readonly header: EnvelopeHeader;
      readonly items: readonly EnvelopeItem[];
      /** Its sender knows the dictionary, and may be answered with it. */
      readonly hasDictionary: boolean;
    }
  | EnvelopeFault;

const checkedHeader = Compile(EnvelopeHeader);
const checkedHello = Compile(Hello);
const NEWLINE = 0x0a;

export function sha256Of(bytes: Uint8Array): Sha256 {
  return hash("sha256", bytes, "hex");
}

/**
 * Packs stored bytes for the wire.
 * @param packing give `plain` where the line is faster than the processor
 * @throws ProtocolError ENVELOPE_TOO_LARGE
 */
export function encodeEnvelope(
  header: { readonly run: RunId; readonly head: number; readonly upMs?: number; readonly v?: number },
  items: readonly Uint8Array[],
  packing: Packing = "zstd",
): Uint8Array {
  const { v = PROTOCOL_VERSION, run, head, upMs } = header;
  const first = Buffer.from(JSON.stringify({ v, run, head, upMs, count: items.length }));
  const lines: Uint8Array[] = [first];
  let sizeBytes = first.length;
  for (const item of items) {
    lines.push(NEWLINE_BYTES, item);
    sizeBytes += 1 + item.length;
  }
  if (items.length < 1 || items.length > MAX_ENVELOPE_ITEMS || sizeBytes > MAX_ENVELOPE_BYTES) {
    throw new ProtocolError(
      "ENVELOPE_TOO_LARGE",
      `${items.length} items of ${sizeBytes} bytes make no envelope`,
      `Send 1 to ${MAX_ENVELOPE_ITEMS} items and at most ${MAX_ENVELOPE_BYTES} bytes at once.`,
    );
  }
  return pack(Buffer.concat(lines, sizeBytes), packing);
}
const NEWLINE_BYTES = Uint8Array.of(NEWLINE);

/** Opens what came on `up`, from anyone: bounded in size, depth and time, and it never throws. */
export function decodeUp(bytes: Uint8Array): UpMessage {
  const fault = (code: EnvelopeFault["code"]): EnvelopeFault => ({ type: "fault", code, sha256: sha256Of(bytes) });
  if (bytes.length > MAX_ENVELOPE_BYTES) return fault("ENVELOPE_TOO_LARGE");
  const plain = unpack(bytes, MAX_ENVELOPE_BYTES);
  if (plain === "too-large") return fault("ENVELOPE_TOO_LARGE");
  if (plain === "corrupt") return fault("ENVELOPE_CORRUPT");
  const headerEnd = plain.indexOf(NEWLINE);
  const header = jsonOf(headerEnd < 0 ? plain : plain.subarray(0, headerEnd));
  if (typeof header !== "object" || header === null) return fault("ENVELOPE_HEADER");
  const isHello = "type" in header;
  // Whatever version it calls its own: it lists those that it writes, and must be answered with ours.
  if (isHello && headerEnd < 0 && checkedHello.Check(header)) return { type: "hello", hello: header };
  if ("v" in header && typeof header.v === "number" && !READABLE_VERSIONS.includes(header.v)) {
    return fault("ENVELOPE_VERSION");
  }
  if (isHello) return fault("HELLO_INVALID");
  if (!checkedHeader.Check(header)) return fault("ENVELOPE_HEADER");
  const items = splitItems(plain, headerEnd, header.count);
  if (items === undefined) return fault("ENVELOPE_ITEMS");
  return { type: "envelope", header, items, hasDictionary: namesDictionary(bytes) };
}

function splitItems(plain: Uint8Array, headerEnd: number, count: number): readonly EnvelopeItem[] | undefined {
  if (headerEnd < 0) return undefined;
  const items: EnvelopeItem[] = [];
  let from = headerEnd + 1;
  while (from <= plain.length) {
    if (items.length === count) return undefined;
    const newline = plain.indexOf(NEWLINE, from);
    const to = newline < 0 ? plain.length : newline;
    const bytes = plain.subarray(from, to);
    items.push({ bytes, sha256: sha256Of(bytes) });
    from = to + 1;
  }
  return items.length === count ? items : undefined;
}

function jsonOf(bytes: Uint8Array): unknown {
  if (!isShallow(bytes, MAX_JSON_DEPTH)) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch {
    return undefined;
  }
}

import { ProtocolError } from "./errors.ts";
import { laneOf } from "./lane.ts";
import { MAX_BODY_BYTES, MAX_URGENT_BODY_BYTES } from "./limits.ts";
import type { NewRecord } from "./record.ts";

// Beside the decoder and without its schemas: the journal's thread writes records, and should not pay for checking them.

/**
 * The stored bytes of a record: the UTF-8 JSON of its head on one line, `seq` first and `body` last. These bytes are
 * hashed, kept, sent and stored; nobody writes them a second time.
 * @throws ProtocolError BODY_TOO_LARGE
 */
export function encodeRecord(seq: number, record: NewRecord): Uint8Array {
  return recordBytes(seq, encodeAfterSeq(record));
}

/**
 * A record's text after its seq, for one that is encoded before it is numbered.
 * @throws ProtocolError BODY_TOO_LARGE
 */
export function encodeAfterSeq(record: NewRecord): string {
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
  const head = JSON.stringify({ upMs, atMs, timeQuality, kind, device, subject });
  return `,${head.slice(1, -1)},"body":${bodyText}}`;
}

/** @param afterSeq what `encodeAfterSeq` made */
export function recordBytes(seq: number, afterSeq: string): Uint8Array {
  return Buffer.from(`{"seq":${seq}${afterSeq}`);
}

/** Bytes that a record's body may have, by its lane. */
export function bodyLimit(record: Pick<NewRecord, "kind" | "body">): number {
  return laneOf(record) <= 1 ? MAX_URGENT_BODY_BYTES : MAX_BODY_BYTES;
}

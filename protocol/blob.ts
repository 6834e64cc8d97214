import type { Sha256 } from "./ids.ts";

/** Before the bytes of a chunk: where in the file they begin, big-endian. */
export const BLOB_HEADER_BYTES = 8;
export const MAX_BLOB_CHUNK_BYTES = 32 * 1024;
/** No camera clip is longer; what claims to be is refused. */
export const MAX_BLOB_BYTES = 1024 * 1024 * 1024;

/**
 * A message on `blob/<id>`, where the id is the SHA-256 of the whole file. With bytes it is a chunk that begins at
 * `offset`. Without, it is an offer: the file has `offset` bytes, how much of it is there?
 */
export interface BlobMessage {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** @throws RangeError on an offset that no file has */
export function encodeBlobMessage({ offset, bytes }: BlobMessage): Uint8Array {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`not an offset: ${offset}`);
  const message = Buffer.alloc(BLOB_HEADER_BYTES + bytes.length);
  message.writeBigUInt64BE(BigInt(offset));
  message.set(bytes, BLOB_HEADER_BYTES);
  return message;
}

/** @returns undefined for what is too short, too long, or lies beyond the largest file */
export function decodeBlobMessage(message: Uint8Array): BlobMessage | undefined {
  if (message.length < BLOB_HEADER_BYTES || message.length > BLOB_HEADER_BYTES + MAX_BLOB_CHUNK_BYTES) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const offset = view.getBigUint64(0);
  const bytes = message.subarray(BLOB_HEADER_BYTES);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER) || Number(offset) + bytes.length > Number.MAX_SAFE_INTEGER) {
    return undefined;
  }
  return { offset: Number(offset), bytes };
}

export function isBlobId(name: string): name is Sha256 {
  return /^[0-9a-f]{64}$/.test(name);
}

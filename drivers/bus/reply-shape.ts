import { hasGoodCrc } from "./crc16.ts";

/**
 * What an answer to one request must look like on an RTU line, beyond its CRC: RTU has no transaction id, so this is all
 * that tells one answer from another.
 */
export interface ReplyShape {
  readonly unit: number;
  readonly functionCode: number;
  /** Bytes of the whole frame, CRC included. */
  readonly lengthBytes: number;
  /** Bytes that must stand after unit and function: the byte count of a read, the echo of a write. */
  readonly prefix: Uint8Array;
}

export const EXCEPTION_BYTES = 5;
const EXCEPTION_BIT = 0x80;

/** Length of the answer that begins at `offset` and fits `shape`, or 0. An exception of the same function fits too. */
export function matchReply(shape: ReplyShape, bytes: Uint8Array, offset: number): number {
  const length = headerLength(shape, bytes, offset);
  if (length === 0 || bytes.length - offset < length) return 0;
  return hasGoodCrc(bytes, offset, offset + length) ? length : 0;
}

/** Whether what stands at `offset` looks like such an answer, whole or cut off, its CRC aside. */
export function resemblesReply(shape: ReplyShape, bytes: Uint8Array, offset: number): boolean {
  return headerLength(shape, bytes, offset) !== 0;
}

export function isException(frame: Uint8Array): boolean {
  return ((frame[1] ?? 0) & EXCEPTION_BIT) !== 0;
}

export function isSameShape(a: ReplyShape, b: ReplyShape): boolean {
  return (
    a.unit === b.unit &&
    a.functionCode === b.functionCode &&
    a.lengthBytes === b.lengthBytes &&
    a.prefix.length === b.prefix.length &&
    a.prefix.every((byte, index) => byte === b.prefix[index])
  );
}

function headerLength(shape: ReplyShape, bytes: Uint8Array, offset: number): number {
  if (bytes[offset] !== shape.unit) return 0;
  const functionCode = bytes[offset + 1];
  if (functionCode === (shape.functionCode | EXCEPTION_BIT)) return EXCEPTION_BYTES;
  if (functionCode !== shape.functionCode) return 0;
  const isPrefixed = shape.prefix.every((byte, index) => bytes[offset + 2 + index] === byte);
  return isPrefixed ? shape.lengthBytes : 0;
}

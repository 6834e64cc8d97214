/** On `live/<camera>`: a still of a camera that somebody watches, with when it was taken. Never journaled. */
export interface LiveStill {
  readonly atMs: number;
  readonly jpeg: Uint8Array;
}

/** Larger ones are not sent: a still shares the line with all else. */
export const MAX_STILL_BYTES = 64 * 1024;

const MAGIC = [0x53, 0x48, 0x53, 0x31] as const;
const HEAD_BYTES = MAGIC.length + 8;

/** `SHS1`, the UTC in ms as 8 bytes big-endian, the JPEG. */
export function encodeLiveStill({ atMs, jpeg }: LiveStill): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + jpeg.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setBigUint64(MAGIC.length, BigInt(Math.max(0, Math.round(atMs))));
  bytes.set(jpeg, HEAD_BYTES);
  return bytes;
}

/** @returns undefined for what is none */
export function decodeLiveStill(bytes: Uint8Array): LiveStill | undefined {
  if (bytes.length < HEAD_BYTES + 4 || bytes.length > HEAD_BYTES + MAX_STILL_BYTES) return undefined;
  if (MAGIC.some((value, at) => bytes[at] !== value)) return undefined;
  const jpeg = bytes.subarray(HEAD_BYTES);
  const isJpeg = jpeg[0] === 0xff && jpeg[1] === 0xd8 && jpeg.at(-2) === 0xff && jpeg.at(-1) === 0xd9;
  const atMs = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(MAGIC.length));
  return isJpeg && Number.isSafeInteger(atMs) ? { atMs, jpeg } : undefined;
}

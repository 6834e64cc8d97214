import type { DecodedItem, FrameDecoder } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { hasGoodCrc } from "./crc16.ts";

export const WRITE_BYTES = 8;
export const EXCEPTION_BYTES = 5;
export const EXCEPTION_BIT = 0x80;
const WRITE_MANY = [15, 16];
const LONGEST_FRAME_BYTES = 256;
/** So much of what fits no frame is told in one fault. */
const LONGEST_NOISE_BYTES = 4096;

/**
 * Finds the frames in captured Modbus RTU traffic, questions and answers alike, by their lengths and checksums; what lies
 * between them is a fault. Holds no more than one frame and 4 KiB of noise.
 * @param decode one frame with a good checksum
 */
export function rtuCapture(decode: (frame: Uint8Array) => readonly DecodedItem[]): FrameDecoder {
  let buffer: Uint8Array = new Uint8Array();
  let noise: Uint8Array = new Uint8Array();
  const frame = (bytes: Uint8Array) => (hasGoodCrc(bytes) ? decode(bytes) : [{ fault: badChecksum(bytes) }]);
  const endNoise = (): DecodedItem[] => {
    if (noise.length === 0) return [];
    const fault = badChecksum(noise);
    noise = new Uint8Array();
    return [{ fault }];
  };
  const take = (bytes: Uint8Array, isLast: boolean): DecodedItem[] => {
    const joined = concat(buffer, bytes);
    const items: DecodedItem[] = [];
    let offset = 0;
    let noiseFrom = 0;
    // Where less than a whole frame is left, the next bytes decide.
    while (offset < joined.length && (isLast || joined.length - offset >= LONGEST_FRAME_BYTES)) {
      const length = frameLength(joined, offset);
      if (length === 0) {
        offset++;
        if (offset - noiseFrom < LONGEST_NOISE_BYTES) continue;
      }
      noise = concat(noise, joined.subarray(noiseFrom, offset));
      if (length > 0 || noise.length >= LONGEST_NOISE_BYTES) items.push(...endNoise());
      if (length > 0) items.push(...frame(joined.subarray(offset, offset + length)));
      offset += length;
      noiseFrom = offset;
    }
    noise = concat(noise, joined.subarray(noiseFrom, offset));
    if (noise.length >= LONGEST_NOISE_BYTES) items.push(...endNoise());
    buffer = joined.slice(offset);
    return items;
  };
  return {
    frame,
    push: (bytes) => take(bytes, false),
    end: () => [...take(new Uint8Array(), true), ...endNoise()],
  };
}

function frameLength(bytes: Uint8Array, offset: number): number {
  const functionCode = bytes[offset + 1] ?? 0;
  const third = bytes[offset + 2] ?? 0;
  const fits = (length: number) =>
    length <= LONGEST_FRAME_BYTES && offset + length <= bytes.length && hasGoodCrc(bytes, offset, offset + length);
  if ((functionCode & EXCEPTION_BIT) !== 0) return fits(EXCEPTION_BYTES) ? EXCEPTION_BYTES : 0;
  if (functionCode === 0 || functionCode > 16) return 0;
  const isRead = functionCode <= 4;
  const isWriteMany = WRITE_MANY.includes(functionCode);
  return (
    [WRITE_BYTES, ...(isRead ? [3 + third + 2] : []), ...(isWriteMany ? [7 + (bytes[offset + 6] ?? 0) + 2] : [])].find(
      fits,
    ) ?? 0
  );
}

function badChecksum(frame: Uint8Array): DriverError {
  const shown = Buffer.from(frame.subarray(0, 12)).toString("hex").toUpperCase();
  return new DriverError("MODBUS_CRC", `${frame.length} bytes ${shown} have no good checksum`, {
    retry: "backoff",
    hint: "Check baud rate and parity of the capture, or that no byte is missing.",
  });
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  if (second.length === 0) return first;
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

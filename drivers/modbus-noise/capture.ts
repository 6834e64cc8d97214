import { hasGoodCrc } from "../bus/crc16.ts";
import type { CaptureFormat } from "../decoder.ts";
import type { NoiseReading } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { decodeLevel } from "./decode.ts";
import type { NoiseProfile } from "./profile.ts";
import { isProfileName, PROFILE_NAMES, resolveProfile } from "./profiles.ts";

export type CaptureItem =
  | { readonly reading: Omit<NoiseReading, "atMs"> & { readonly unit: number } }
  | { readonly fault: DriverError };

const QUERY_BYTES = 8;
const EXCEPTION_BYTES = 5;
const LONGEST_FRAME_BYTES = 256;
const LONGEST_RAW_BYTES = 64 * 1024 * 1024;

/**
 * One captured RTU frame of a meter with this profile.
 * @returns undefined for a master's query
 */
export function decodeFrame(frame: Uint8Array, profile: NoiseProfile): CaptureItem | undefined {
  if (!hasGoodCrc(frame)) return { fault: badChecksum(frame) };
  const [unit = 0, functionCode = 0, third = 0] = frame;
  const expected = profile.function === "read-holding" ? 3 : 4;
  if (functionCode === (expected | 0x80) && frame.length === EXCEPTION_BYTES) {
    return {
      fault: new DriverError("MODBUS_EXCEPTION", `unit ${unit} answered with exception ${third}`, {
        retry: "never",
        hint: "The register map does not fit this meter. Choose the profile of its model.",
      }),
    };
  }
  const isAnswer = frame.length === 3 + third + 2 && third >= 2 && third % 2 === 0;
  if (functionCode === expected && isAnswer) {
    const raw = (frame[3] ?? 0) * 256 + (frame[4] ?? 0);
    return { reading: { kind: "noise", unit, ...decodeLevel(raw, profile), quantity: profile.quantity } };
  }
  if (frame.length === QUERY_BYTES) return undefined;
  return {
    fault: new DriverError("MODBUS_UNEXPECTED", `function ${functionCode} with ${frame.length} bytes is no level`, {
      retry: "never",
      hint: `This profile reads with function ${expected}. Choose the profile of the meter's model.`,
    }),
  };
}

/** Frames in a stream of raw bytes; what lies between them is one fault each. */
export function decodeStream(bytes: Uint8Array, profile: NoiseProfile): CaptureItem[] {
  const items: CaptureItem[] = [];
  let offset = 0;
  let noiseFrom = 0;
  const endNoise = () => {
    if (offset > noiseFrom) items.push({ fault: badChecksum(bytes.subarray(noiseFrom, offset)) });
  };
  while (offset < bytes.length) {
    const length = frameLength(bytes, offset);
    if (length === 0) {
      offset++;
      continue;
    }
    endNoise();
    const item = decodeFrame(bytes.subarray(offset, offset + length), profile);
    if (item !== undefined) items.push(item);
    offset += length;
    noiseFrom = offset;
  }
  endNoise();
  return items;
}

function frameLength(bytes: Uint8Array, offset: number): number {
  const dataBytes = bytes[offset + 2] ?? 0;
  const candidates = [QUERY_BYTES, 3 + dataBytes + 2, EXCEPTION_BYTES];
  const fits = (length: number) =>
    length <= LONGEST_FRAME_BYTES && offset + length <= bytes.length && hasGoodCrc(bytes, offset, offset + length);
  return candidates.find(fits) ?? 0;
}

function badChecksum(frame: Uint8Array): DriverError {
  const shown = Buffer.from(frame.subarray(0, 12)).toString("hex").toUpperCase();
  return new DriverError("MODBUS_CRC", `${frame.length} bytes ${shown} have no good checksum`, {
    retry: "backoff",
    hint: "Check baud rate and parity of the capture, or that no byte is missing.",
  });
}

export const modbusNoiseCapture: CaptureFormat = {
  profiles: ["sonbest-sm7901b", ...PROFILE_NAMES.filter((name) => name !== "sonbest-sm7901b")],
  decoder(name = "") {
    const profile = resolveProfile(isProfileName(name) ? name : "sonbest-sm7901b");
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    return {
      frame(bytes) {
        const item = decodeFrame(bytes, profile);
        return item === undefined ? [] : [item];
      },
      push(bytes) {
        sizeBytes += bytes.length;
        if (sizeBytes <= LONGEST_RAW_BYTES) chunks.push(bytes);
        return [];
      },
      end: () => decodeStream(Buffer.concat(chunks), profile),
    };
  },
};

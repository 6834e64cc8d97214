import { hasGoodCrc } from "../bus/crc16.ts";
import type { CaptureFormat, DecodedItem, FrameDecoder } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { decodeLevel, decodeMeasurement } from "./decode.ts";
import type { NoiseProfile } from "./profile.ts";
import { isProfileName, PROFILE_NAMES, resolveProfile } from "./profiles.ts";
import { levelBlock, type PlannedField, readPlan } from "./read-plan.ts";

const QUERY_BYTES = 8;
const EXCEPTION_BYTES = 5;
const LONGEST_FRAME_BYTES = 256;
/** So much of what fits no frame is told in one fault. */
const LONGEST_NOISE_BYTES = 4096;

interface Query {
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
}

/** Reads the RTU traffic of a meter. A query in the capture says which registers the next answer holds. */
export class RtuCapture implements FrameDecoder {
  readonly #profile: NoiseProfile;
  readonly #fields: readonly PlannedField[];
  #buffer: Uint8Array = new Uint8Array();
  #noise: Uint8Array = new Uint8Array();
  #query: Query | undefined;

  constructor(profile: NoiseProfile) {
    this.#profile = profile;
    this.#fields = readPlan(profile).flatMap(({ fields }) => fields);
  }

  frame(bytes: Uint8Array): DecodedItem[] {
    if (!hasGoodCrc(bytes)) return [{ fault: badChecksum(bytes) }];
    const [unit = 0, functionCode = 0, third = 0] = bytes;
    if ((functionCode & 0x80) !== 0 && bytes.length === EXCEPTION_BYTES) return [{ fault: exception(unit, third) }];
    const isAnswer = bytes.length === 3 + third + 2 && third >= 2 && third % 2 === 0;
    if ((functionCode === 3 || functionCode === 4) && isAnswer) return this.#answer(bytes, unit, functionCode);
    if (bytes.length === QUERY_BYTES) {
      const word = (at: number) => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
      this.#query = { unit, functionCode, address: word(2), count: word(4) };
      return [];
    }
    return [{ fault: unexpected(`function ${functionCode} with ${bytes.length} bytes is no level`) }];
  }

  push(bytes: Uint8Array): DecodedItem[] {
    return this.#take(bytes, false);
  }

  end(): DecodedItem[] {
    return [...this.#take(new Uint8Array(), true), ...this.#endNoise()];
  }

  #take(bytes: Uint8Array, isLast: boolean): DecodedItem[] {
    const joined = concat(this.#buffer, bytes);
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
      this.#noise = concat(this.#noise, joined.subarray(noiseFrom, offset));
      if (length > 0 || this.#noise.length >= LONGEST_NOISE_BYTES) items.push(...this.#endNoise());
      if (length > 0) items.push(...this.frame(joined.subarray(offset, offset + length)));
      offset += length;
      noiseFrom = offset;
    }
    this.#noise = concat(this.#noise, joined.subarray(noiseFrom, offset));
    if (this.#noise.length >= LONGEST_NOISE_BYTES) items.push(...this.#endNoise());
    this.#buffer = joined.slice(offset);
    return items;
  }

  #endNoise(): DecodedItem[] {
    if (this.#noise.length === 0) return [];
    const fault = badChecksum(this.#noise);
    this.#noise = new Uint8Array();
    return [{ fault }];
  }

  #answer(bytes: Uint8Array, unit: number, functionCode: number): DecodedItem[] {
    const words = Array.from(
      { length: (bytes.length - 5) / 2 },
      (_, index) => (bytes[3 + index * 2] ?? 0) * 256 + (bytes[4 + index * 2] ?? 0),
    );
    const address = this.#addressOf(unit, functionCode, words.length);
    this.#query = undefined;
    if (address === undefined) {
      const message = `${words.length} registers of function ${functionCode}, and no query says which they are`;
      return [{ fault: unexpected(message) }];
    }
    const kind = functionCode === 3 ? "read-holding" : "read-input";
    const held = this.#fields.filter(
      (field) =>
        field.function === kind && field.address >= address && field.address + field.count <= address + words.length,
    );
    if (held.length === 0) return [{ fault: unexpected(`registers from ${address} hold no value of this profile`) }];
    return held.map(({ measurement, address: at, count }) => {
      const own = words.slice(at - address, at - address + count);
      if (measurement !== undefined) return { reading: { ...decodeMeasurement(own, measurement), modbusUnit: unit } };
      const { quantity } = this.#profile;
      return { reading: { kind: "noise", unit, ...decodeLevel(own, this.#profile), quantity } };
    });
  }

  /** Without its query, only an answer that is as long as the level's can be taken for the level. */
  #addressOf(unit: number, functionCode: number, count: number): number | undefined {
    const query = this.#query;
    if (query !== undefined && query.unit === unit && query.functionCode === functionCode && query.count === count) {
      return query.address;
    }
    const level = levelBlock(this.#profile);
    const code = level.function === "read-holding" ? 3 : 4;
    return functionCode === code && count === level.count ? level.address : undefined;
  }
}

export const modbusNoiseCapture: CaptureFormat = {
  profiles: PROFILE_NAMES,
  decoder: (name = "") => new RtuCapture(resolveProfile(isProfileName(name) ? name : "sonbest-sm7901b")),
};

function frameLength(bytes: Uint8Array, offset: number): number {
  const functionCode = bytes[offset + 1] ?? 0;
  const dataBytes = bytes[offset + 2] ?? 0;
  const fits = (length: number) =>
    length <= LONGEST_FRAME_BYTES && offset + length <= bytes.length && hasGoodCrc(bytes, offset, offset + length);
  if ((functionCode & 0x80) !== 0) return fits(EXCEPTION_BYTES) ? EXCEPTION_BYTES : 0;
  if (functionCode === 0 || functionCode > 16) return 0;
  const isRead = functionCode <= 4;
  return [QUERY_BYTES, ...(isRead ? [3 + dataBytes + 2] : [])].find(fits) ?? 0;
}

function exception(unit: number, code: number): DriverError {
  return new DriverError("MODBUS_EXCEPTION", `unit ${unit} answered with exception ${code}`, {
    retry: "never",
    hint: "The register map does not fit this meter. Choose the profile of its model.",
  });
}

function unexpected(message: string): DriverError {
  return new DriverError("MODBUS_UNEXPECTED", message, {
    retry: "never",
    hint: "Choose the profile of the meter's model, and capture its queries too.",
  });
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

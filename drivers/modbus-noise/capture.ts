import { EXCEPTION_BIT, EXCEPTION_BYTES, rtuCapture, WRITE_BYTES } from "../bus/rtu-capture.ts";
import type { CaptureFormat, DecodedItem, FrameDecoder } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { decodeLevel, decodeMeasurement } from "./decode.ts";
import type { NoiseProfile } from "./profile.ts";
import { isProfileName, PROFILE_NAMES, resolveProfile } from "./profiles.ts";
import { levelBlock, type PlannedField, readPlan } from "./read-plan.ts";

interface Query {
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
}

/** Reads the RTU frames of a meter. A query in the capture says which registers the next answer holds. */
class MeterFrames {
  readonly #profile: NoiseProfile;
  readonly #fields: readonly PlannedField[];
  #query: Query | undefined;

  constructor(profile: NoiseProfile) {
    this.#profile = profile;
    this.#fields = readPlan(profile).flatMap(({ fields }) => fields);
  }

  frame(bytes: Uint8Array): DecodedItem[] {
    const [unit = 0, functionCode = 0, third = 0] = bytes;
    if ((functionCode & EXCEPTION_BIT) !== 0 && bytes.length === EXCEPTION_BYTES)
      return [{ fault: exception(unit, third) }];
    const isAnswer = bytes.length === 3 + third + 2 && third >= 2 && third % 2 === 0;
    if ((functionCode === 3 || functionCode === 4) && isAnswer) return this.#answer(bytes, unit, functionCode);
    if (bytes.length === WRITE_BYTES) {
      const word = (at: number) => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
      this.#query = { unit, functionCode, address: word(2), count: word(4) };
      return [];
    }
    return [{ fault: unexpected(`function ${functionCode} with ${bytes.length} bytes is no level`) }];
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

/** The RTU traffic of a meter with this profile. */
export function meterCapture(profile: NoiseProfile): FrameDecoder {
  const frames = new MeterFrames(profile);
  return rtuCapture((bytes) => frames.frame(bytes));
}

export const modbusNoiseCapture: CaptureFormat = {
  profiles: PROFILE_NAMES,
  decoder: (name = "") => meterCapture(resolveProfile(isProfileName(name) ? name : "sonbest-sm7901b")),
};

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

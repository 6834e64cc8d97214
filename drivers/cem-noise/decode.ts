import type { NoiseReading } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { CemStream } from "./cem-stream.ts";
import type { CemModel } from "./config.ts";
import { heldFault, type MeterSample, type MeterStream } from "./meter-stream.ts";
import { PceStream } from "./pce-stream.ts";

/** Both makers state it for the family. */
const VALID_DB = [30, 130] as const;

export type SampledLevel = Omit<NoiseReading, "atMs">;

export function meterStream(model: CemModel): MeterStream {
  return model === "pce-322a" ? new PceStream() : new CemStream();
}

/**
 * A sample as a level, if it is one: A-weighted, of this moment, with known weightings.
 * @returns undefined while the meter has not said how it weighs
 * @throws DriverError METER_WEIGHTING, METER_HOLD
 */
export function sampledLevel(sample: MeterSample): SampledLevel | undefined {
  const { levelDb, weighting, timeWeighting, isHeld, flags } = sample;
  if (weighting === "C") throw weightingFault(levelDb);
  if (isHeld) throw heldFault();
  if (weighting === undefined || timeWeighting === undefined) return undefined;
  const isOutside = levelDb < VALID_DB[0] || levelDb > VALID_DB[1];
  return {
    kind: "noise",
    levelDb,
    quantity: timeWeighting === "fast" ? "LAF" : "LAS",
    flags: flags.length === 0 && isOutside ? ["out-of-range"] : flags,
  };
}

function weightingFault(levelDb: number): DriverError {
  return new DriverError("METER_WEIGHTING", `the meter is set to C-weighting (${levelDb} dB(C)), which is no A-level`, {
    retry: "backoff",
    hint: "Set it to dB(A). Until then nothing is measured here.",
  });
}

import type { LevelFlag } from "../../protocol/noise.ts";
import type { MeasurementReading } from "../driver.ts";
import type { NoiseProfile, ProfileMeasurement } from "./profile.ts";
import { decodeRegisters, scaled } from "./register-value.ts";

/**
 * The registers of the level. What the meter cannot mean is flagged, never dropped and never replaced: the value stays as
 * it was read; null only where the registers hold no number at all (a float that is NaN).
 * @param words one or two registers, unsigned 16 bit, as the profile's type says
 * @returns A-weighted sound level, dB re 20 µPa, and why it is not to be used
 * @source DOMAIN 1.3; the register table of the profile
 */
export function decodeLevel(
  words: readonly number[],
  profile: NoiseProfile,
): { readonly levelDb: number | null; readonly flags: readonly LevelFlag[] } {
  const { raw, counts } = decodeRegisters(words, profile);
  const levelDb = scaled(counts, profile.scaleDb, profile);
  const [lowestDb, highestDb] = profile.validDb;
  if (Number.isNaN(levelDb)) return { levelDb: null, flags: ["no-data"] };
  if (profile.noDataValues.includes(raw)) return { levelDb, flags: ["no-data"] };
  if (levelDb < lowestDb || levelDb > highestDb) return { levelDb, flags: ["out-of-range"] };
  return { levelDb, flags: [] };
}

/** Another value of the meter, under the same rules: flagged, never replaced. */
export function decodeMeasurement(
  words: readonly number[],
  measurement: ProfileMeasurement,
): Omit<MeasurementReading, "atMs"> {
  const { quantity, unit, scale, valid, noDataValues } = measurement;
  const { raw, counts } = decodeRegisters(words, measurement);
  const value = scaled(counts, scale, measurement);
  if (Number.isNaN(value)) return { kind: "measurement", quantity, unit, value: null, flag: "no-data" };
  const flag = noDataValues.includes(raw)
    ? "no-data"
    : value < valid[0] || value > valid[1]
      ? "out-of-range"
      : undefined;
  return { kind: "measurement", quantity, unit, value, ...(flag !== undefined && { flag }) };
}

import type { LevelFlag } from "../../protocol/noise.ts";
import type { NoiseProfile } from "./profile.ts";

/**
 * One register as a level. What the meter cannot mean is flagged, never dropped and never replaced: the value stays as
 * it was read.
 * @param raw the register, unsigned 16 bit
 * @returns A-weighted sound level, dB re 20 µPa, and why it is not to be used
 * @source DOMAIN 1.3; the register table of the profile
 */
export function decodeLevel(
  raw: number,
  profile: NoiseProfile,
): { readonly levelDb: number; readonly flags: readonly LevelFlag[] } {
  const counts = profile.isSigned === true && raw >= 0x8000 ? raw - 0x10000 : raw;
  const levelDb = roundToScale(counts * profile.scaleDb, profile.scaleDb);
  const [lowestDb, highestDb] = profile.validDb;
  if (profile.noDataValues.includes(raw)) return { levelDb, flags: ["no-data"] };
  if (levelDb < lowestDb || levelDb > highestDb) return { levelDb, flags: ["out-of-range"] };
  return { levelDb, flags: [] };
}

/** 701 counts of 0.1 are 70.1 and not 70.10000000000001: a limit is compared with what the meter shows. */
function roundToScale(levelDb: number, scaleDb: number): number {
  const digits = Math.max(0, Math.ceil(-Math.log10(scaleDb)) + 2);
  return Number(levelDb.toFixed(digits));
}

import type { BusLease } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { decodeLevel, decodeMeasurement } from "../../drivers/modbus-noise/decode.ts";
import type { NoiseProfile } from "../../drivers/modbus-noise/profile.ts";
import { PROFILE_NAMES, type ProfileName, resolveProfile } from "../../drivers/modbus-noise/profiles.ts";
import { levelBlock, type ReadBlock, readPlan } from "../../drivers/modbus-noise/read-plan.ts";

export interface FittingProfile {
  readonly profile: ProfileName;
  readonly levelDb: number;
  /** What speaks for it. */
  readonly because: readonly string[];
}

/** Several makes share one register, so this is a guess and says so. */
export interface Guess {
  readonly profile: ProfileName;
  readonly isOnlyOne: boolean;
  readonly note: string;
}

interface Settings {
  readonly baudRate?: number;
  readonly parity?: string;
}

/** Profiles whose level register holds a level that the meter can mean; the likeliest first. */
export async function fittingProfiles(
  bus: BusLease,
  unit: number,
  line: Settings,
  timeoutMs: number,
): Promise<readonly FittingProfile[]> {
  const fits: (FittingProfile & { readonly weight: number })[] = [];
  for (const name of PROFILE_NAMES) {
    const profile = resolveProfile(name);
    const words = await readBlock(bus, unit, levelBlock(profile), timeoutMs);
    if (words === undefined) continue;
    const { levelDb, flags } = decodeLevel(words, profile);
    if (flags.length > 0 || levelDb === null) continue;
    const because = [
      ...deliveredLike(profile, unit, line),
      ...(await hasItsOtherValues(bus, unit, profile, timeoutMs)),
      ...(profile.address !== 0 ? [`its level stands in register ${profile.address}, which few others have`] : []),
    ];
    const weight = because.length + (profile.certainty === "certain" ? 0.5 : 0);
    fits.push({ profile: name, levelDb, because, weight });
  }
  return fits.toSorted((a, b) => b.weight - a.weight).map(({ weight: _, ...fit }) => fit);
}

export function guessOf([best, next]: readonly FittingProfile[]): Guess | undefined {
  if (best === undefined) return undefined;
  return {
    profile: best.profile,
    isOnlyOne: next === undefined,
    note: "a guess from one register: hold a calibrator on the meter, or look at its label",
  };
}

function deliveredLike({ serial }: NoiseProfile, unit: number, line: Settings): string[] {
  if (serial === undefined) return [];
  const isLine = line.baudRate === serial.baudRate && line.parity === serial.parity;
  return [
    ...(isLine ? [`delivered at ${serial.baudRate} baud, parity ${serial.parity}`] : []),
    ...(unit === serial.unit && isLine ? [`delivered as unit ${unit}`] : []),
  ];
}

async function hasItsOtherValues(
  bus: BusLease,
  unit: number,
  profile: NoiseProfile,
  timeoutMs: number,
): Promise<string[]> {
  const found: string[] = [];
  for (const block of readPlan(profile)) {
    if (block.fields.every(({ measurement }) => measurement === undefined)) continue;
    const words = await readBlock(bus, unit, block, timeoutMs);
    if (words === undefined) continue;
    for (const { measurement, address, count } of block.fields) {
      if (measurement === undefined) continue;
      const {
        flag,
        value,
        unit: name,
      } = decodeMeasurement(words.slice(address - block.address).slice(0, count), measurement);
      if (flag === undefined && value !== 0) found.push(`${measurement.quantity} reads ${value} ${name}`);
    }
  }
  return found;
}

async function readBlock(
  bus: BusLease,
  unit: number,
  { function: kind, address, count }: ReadBlock,
  timeoutMs: number,
): Promise<readonly number[] | undefined> {
  try {
    return await bus.modbus({ unit, function: kind, address, count, timeoutMs }, "command");
  } catch (error) {
    if (error instanceof DriverError && error.code.startsWith("MODBUS_")) return undefined;
    throw error;
  }
}

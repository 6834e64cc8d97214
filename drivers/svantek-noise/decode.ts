import type { LevelFlag } from "../../protocol/noise.ts";
import type { MeasurementReading, NoiseReading } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { fieldFault } from "./answer.ts";

/** How one profile of the meter is set. @source Svantek manuals, function #1, control setting codes F, C, S */
export interface ProfileSettings {
  readonly weighting: "Z" | "A" | "C";
  readonly detector: "impulse" | "fast" | "slow";
  readonly isRunning: boolean;
}

/** Results of one profile; null: the meter has none. @source Svantek manuals, function #2 */
export interface Results {
  readonly profile: number;
  /** Seconds that the measurement covers. */
  readonly durationS: number | undefined;
  readonly isOverload: boolean;
  /** Under range in the last second, and anywhere in the measurement. */
  readonly isUnderRange: boolean;
  readonly wasUnderRange: boolean;
  readonly splDb: number | null | undefined;
  readonly leqDb: number | null | undefined;
  readonly maxDb: number | null | undefined;
  readonly minDb: number | null | undefined;
}

const WEIGHTINGS: Readonly<Record<string, ProfileSettings["weighting"]>> = { F1: "Z", F2: "A", F3: "C" };
const DETECTORS: Readonly<Record<string, ProfileSettings["detector"]>> = { C0: "impulse", C1: "fast", C2: "slow" };
const LOWEST_DB = -20;
const HIGHEST_DB = 200;

/**
 * @param fields of an answer to `#1;`
 * @returns undefined where the answer does not say all of it
 */
export function profileSettings(fields: readonly string[], profile: number): ProfileSettings | undefined {
  const own = (table: Readonly<Record<string, string>>) =>
    fields.flatMap((field) => {
      const [code = "", of] = field.split(":");
      const value = table[code];
      return value !== undefined && (of === undefined || of === String(profile)) ? [value] : [];
    });
  const [weighting] = own(WEIGHTINGS) as ProfileSettings["weighting"][];
  const [detector] = own(DETECTORS) as ProfileSettings["detector"][];
  const isRunning = fields.includes("S1") ? true : fields.includes("S0") ? false : undefined;
  if (weighting === undefined || detector === undefined || isRunning === undefined) return undefined;
  return { weighting, detector, isRunning };
}

/**
 * @param fields of an answer to `#2,profile,…;`
 * @returns undefined for a query, which has the same form without any value
 * @throws DriverError METER_FIELD
 */
export function results(fields: readonly string[]): Results | undefined {
  if (fields.length === 0 || fields.every((field) => field.endsWith("?") || /^\d$/.test(field))) return undefined;
  // `#2,profile,…` or `#2,averaging,profile,…`
  const numbers = fields.findIndex((field) => !/^\d+$/.test(field));
  const profile = numbers > 0 ? Number(fields[numbers - 1]) : Number.NaN;
  if (!(profile >= 1 && profile <= 6)) throw fieldFault(`"${fields.slice(0, 3).join(",")}" names no profile`);
  const values = new Map<string, string>();
  for (const field of fields.slice(numbers)) {
    const [, code = "", value = ""] = /^([A-Za-z](?:\([^)]*\))?)(.*)$/.exec(field) ?? [];
    if (code === "") throw fieldFault(`"${field.slice(0, 20)}" is no result`);
    if (values.has(code)) throw fieldFault(`${code} is said twice`);
    values.set(code, value);
  }
  const number = (code: string, lowest: number, highest: number): number | null | undefined => {
    const text = values.get(code);
    if (text === undefined) return undefined;
    if (text === "?") return null;
    const value = /^-?\d{1,7}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= lowest && value <= highest)) throw fieldFault(`${code} is "${text.slice(0, 20)}"`);
    return value;
  };
  const level = (code: string) => number(code, LOWEST_DB, HIGHEST_DB);
  const underRange = number("v", 0, 9) ?? 0;
  return {
    profile,
    durationS: number("T", 0, 9_999_999) ?? undefined,
    isOverload: (number("V", 0, 9) ?? 0) !== 0,
    isUnderRange: underRange === 1 || underRange === 3,
    wasUnderRange: underRange !== 0,
    splDb: level("S"),
    leqDb: level("R"),
    maxDb: level("M"),
    minDb: level("N"),
  };
}

/**
 * Whether the profile measures what we need.
 * @throws DriverError METER_WEIGHTING, METER_DETECTOR, METER_STOPPED
 */
export function checkSettings({ weighting, detector, isRunning }: ProfileSettings, kind: "spl" | "leq"): void {
  if (weighting !== "A") {
    throw new DriverError(
      "METER_WEIGHTING",
      `the meter's profile is set to ${weighting}-weighting, which is no A-level`,
      {
        retry: "backoff",
        hint: "Set the profile to filter A, or name the profile that is. Until then nothing is measured here.",
      },
    );
  }
  if (kind === "spl" && detector === "impulse") {
    throw new DriverError("METER_DETECTOR", "the meter's profile is set to Impulse, which is neither Fast nor Slow", {
      retry: "backoff",
      hint: "Set the detector of the profile to Fast.",
    });
  }
  if (!isRunning) {
    throw new DriverError("METER_STOPPED", "the meter is not measuring", {
      retry: "backoff",
      hint: "Press START on the meter, with repetition set to infinite.",
    });
  }
}

/**
 * The level of this second.
 * @throws DriverError METER_PERIOD, METER_FIELD
 */
export function levelOf(
  found: Results,
  detector: ProfileSettings["detector"],
  kind: "spl" | "leq",
): Omit<NoiseReading, "atMs"> {
  const levelDb = kind === "spl" ? found.splDb : found.leqDb;
  if (levelDb === undefined) throw fieldFault(`the answer lacks ${kind === "spl" ? "S" : "R"}`);
  if (kind === "leq" && found.durationS !== 1) {
    throw new DriverError("METER_PERIOD", `the meter's LAeq covers ${found.durationS ?? "unknown"} s and not 1 s`, {
      retry: "backoff",
      hint: "Set its integration period to 1 s with infinite repetition, or choose level: spl.",
    });
  }
  const flags: LevelFlag[] = [];
  if (levelDb === null) flags.push("no-data");
  if (found.isOverload) flags.push("overload");
  if (kind === "spl" ? found.isUnderRange : found.wasUnderRange) flags.push("under-range");
  const quantity = kind === "leq" ? "LAeq1s" : detector === "slow" ? "LAS" : "LAF";
  return { kind: "noise", levelDb, quantity, flags };
}

/** LAeq, LAmax and LAmin of the measurement that runs, as far as the answer has them. */
export function measurementsOf(found: Results): Omit<MeasurementReading, "atMs">[] {
  const flag = found.isOverload ? "overload" : found.wasUnderRange ? "under-range" : undefined;
  const pairs = [
    ["LAeq", found.leqDb],
    ["LAmax", found.maxDb],
    ["LAmin", found.minDb],
  ] as const;
  return pairs.flatMap(([quantity, value]) =>
    value === undefined
      ? []
      : [
          {
            kind: "measurement" as const,
            quantity,
            unit: "dB",
            value,
            ...(value === null ? { flag: "no-data" } : flag !== undefined && { flag }),
          },
        ],
  );
}

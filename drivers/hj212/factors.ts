import type { LevelFlag } from "../../protocol/noise.ts";

export interface Factor {
  readonly quantity: string;
  readonly unit: string;
  /** What such a sensor can mean; a value outside is kept and flagged. */
  readonly range: readonly [number, number];
}

const NOISE: Pick<Factor, "unit" | "range"> = { unit: "dB(A)", range: [15, 160] };
const DUST: Pick<Factor, "unit" | "range"> = { unit: "", range: [0, 100_000] };

/** Codes of the acoustic environment, dust and weather; other codes keep their code as quantity, without a unit. */
const FACTORS: Readonly<Record<string, Factor>> = {
  LA: { quantity: "LA", ...NOISE },
  Leq: { quantity: "LAeq", ...NOISE },
  LMx: { quantity: "LAmax", ...NOISE },
  LMn: { quantity: "LAmin", ...NOISE },
  L5: { quantity: "L5", ...NOISE },
  L10: { quantity: "L10", ...NOISE },
  L50: { quantity: "L50", ...NOISE },
  L90: { quantity: "L90", ...NOISE },
  L95: { quantity: "L95", ...NOISE },
  Ld: { quantity: "Ld", ...NOISE },
  Ln: { quantity: "Ln", ...NOISE },
  Ldn: { quantity: "Ldn", ...NOISE },
  SD: { quantity: "SD", unit: "dB", range: [0, 60] },
  a34004: { quantity: "PM2.5", ...DUST },
  a34002: { quantity: "PM10", ...DUST },
  a34001: { quantity: "TSP", ...DUST },
  a01001: { quantity: "temperature", unit: "°C", range: [-60, 80] },
  a01002: { quantity: "humidity", unit: "%RH", range: [0, 100] },
  a01006: { quantity: "pressure", unit: "kPa", range: [50, 110] },
  a01007: { quantity: "windSpeed", unit: "m/s", range: [0, 75] },
  a01008: { quantity: "windDirection", unit: "°", range: [0, 360] },
};

/** Names under which stations send the A-weighted level, beside the standard's `LA`. */
const NOISE_ALIASES: Readonly<Record<string, string>> = { La: "LA", NOIS: "LA", B03: "LA", a50001: "LA" };

/** @returns the factor of a code, and whether the code is an alias; undefined for one that has no entry */
export function factorOf(code: string, dustUnit: string): { factor: Factor; isAlias: boolean } | undefined {
  const name = Object.hasOwn(NOISE_ALIASES, code) ? (NOISE_ALIASES[code] ?? code) : code;
  const found = Object.hasOwn(FACTORS, name) ? FACTORS[name] : undefined;
  if (found === undefined) return undefined;
  return { factor: found.unit === "" ? { ...found, unit: dustUnit } : found, isAlias: name !== code };
}

/** Letters of `-Flag`. @source HJ 212-2017, 6.5; HJ/T 212-2005, table of flags */
const FLAGS: Readonly<Record<string, { readonly level?: LevelFlag; readonly name?: string }>> = {
  N: {},
  F: { level: "no-data", name: "stopped" },
  M: { level: "maintenance", name: "maintenance" },
  S: { level: "no-data", name: "manual" },
  D: { level: "fault", name: "fault" },
  C: { level: "calibration", name: "calibration" },
  T: { level: "overload", name: "over-range" },
  B: { level: "no-data", name: "no-communication" },
};

/** What a flag makes of a value; an unknown letter makes it invalid and stands in the name. */
export function meaningOfFlag(letter: string | undefined): { readonly level?: LevelFlag; readonly name?: string } {
  if (letter === undefined) return {};
  return FLAGS[letter.toUpperCase()] ?? { level: "fault", name: `flag-${letter.slice(0, 8)}` };
}

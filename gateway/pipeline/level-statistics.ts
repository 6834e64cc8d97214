import { INVALIDATING_FLAGS, type LevelFlag, type LevelStatistics } from "../../protocol/noise.ts";

/** One second of a meter. */
export interface LevelSample {
  readonly levelDb: number | null;
  readonly flags: readonly LevelFlag[];
  /** Where an instrument said so; not kept over a restart. */
  readonly weather?: SampleWeather;
}

export interface SampleWeather {
  readonly windMps?: number;
  readonly isRaining?: boolean;
}

/** The level, where it may be used; undefined for a gap, a device that had none, or an invalidating flag. */
export function validLevelDb(sample: LevelSample | undefined): number | undefined {
  if (sample === undefined || sample.levelDb === null || !Number.isFinite(sample.levelDb)) return undefined;
  return sample.flags.some((flag) => INVALIDATING_FLAGS.includes(flag)) ? undefined : sample.levelDb;
}

/**
 * LAeq of equal steps: the mean of their energies, never of their decibels.
 * @returns undefined for no level. Equal levels give exactly that level, and the result lies between lowest and highest.
 * @source DOMAIN: 10 lg(mean(10^(0.1 Li)))
 */
export function laeqDb(levelsDb: readonly number[]): number | undefined {
  if (levelsDb.length === 0) return undefined;
  const highestDb = levelsDb.reduce((highest, level) => Math.max(highest, level));
  let energy = 0;
  for (const level of levelsDb) energy += 10 ** (0.1 * (level - highestDb));
  return highestDb + 10 * Math.log10(energy / levelsDb.length);
}

/**
 * LAeq of blocks together, each weighted by its valid seconds; blocks without a level weigh nothing.
 * @source DOMAIN: 10 lg(Σ ni·10^(0.1 Li) / Σ ni)
 */
export function mergedLaeqDb(
  blocks: readonly { readonly laeqDb: number | null; readonly valid: number }[],
): number | undefined {
  const heard = blocks.flatMap((block) =>
    block.laeqDb === null || block.valid <= 0 ? [] : [{ ...block, laeqDb: block.laeqDb }],
  );
  if (heard.length === 0) return undefined;
  const highestDb = heard.reduce((highest, block) => Math.max(highest, block.laeqDb), Number.NEGATIVE_INFINITY);
  let energy = 0;
  let valid = 0;
  for (const block of heard) {
    energy += block.valid * 10 ** (0.1 * (block.laeqDb - highestDb));
    valid += block.valid;
  }
  return highestDb + 10 * Math.log10(energy / valid);
}

/**
 * Day-night level with China's 16 h day and 8 h night (other countries weigh 15 and 9).
 * @source DOMAIN: 10 lg{[16·10^(0.1 Ld) + 8·10^(0.1 (Ln+10))] / 24}
 */
export function ldnDb(dayDb: number, nightDb: number): number {
  return 10 * Math.log10((16 * 10 ** (0.1 * dayDb) + 8 * 10 ** (0.1 * (nightDb + 10))) / 24);
}

/**
 * Level exceeded `percent` % of the time, by rank ceil(N·n/100) from the loudest.
 * @param descendingDb sorted from loud to quiet
 */
export function exceededDb(descendingDb: readonly number[], percent: number): number | null {
  const rank = Math.ceil((percent * descendingDb.length) / 100);
  return descendingDb[Math.max(1, rank) - 1] ?? null;
}

/** Statistics over a window, by its valid seconds. `sdDb` is the standard deviation of all of them (population). */
export function levelStatistics(window: readonly (LevelSample | undefined)[]): LevelStatistics {
  const levels = window.map(validLevelDb).filter((level) => level !== undefined);
  const meanDb = laeqDb(levels);
  const n = window.length;
  const valid = levels.length;
  if (meanDb === undefined) {
    const nothing = { laeqDb: null, lamaxDb: null, laminDb: null, l5Db: null, l10Db: null, l50Db: null, l90Db: null };
    return { n, valid, ...nothing, l95Db: null, sdDb: null, selDb: null };
  }
  const descending = levels.toSorted((a, b) => b - a);
  const average = levels.reduce((sum, level) => sum + level, 0) / valid;
  const variance = levels.reduce((sum, level) => sum + (level - average) ** 2, 0) / valid;
  return {
    n,
    valid,
    laeqDb: meanDb,
    lamaxDb: descending[0] ?? null,
    laminDb: descending[valid - 1] ?? null,
    l5Db: exceededDb(descending, 5),
    l10Db: exceededDb(descending, 10),
    l50Db: exceededDb(descending, 50),
    l90Db: exceededDb(descending, 90),
    l95Db: exceededDb(descending, 95),
    sdDb: Math.sqrt(variance),
    selDb: meanDb + 10 * Math.log10(valid),
  };
}

/** To hundredths of a dB, as records carry them: finer than any meter, and short. */
export function roundedStatistics(statistics: LevelStatistics): LevelStatistics {
  const result: LevelStatistics = { ...statistics };
  for (const key of [
    "laeqDb",
    "lamaxDb",
    "laminDb",
    "l5Db",
    "l10Db",
    "l50Db",
    "l90Db",
    "l95Db",
    "sdDb",
    "selDb",
  ] as const) {
    const value = statistics[key];
    result[key] = value === null ? null : hundredths(value);
  }
  return result;
}

export function hundredths(valueDb: number): number {
  return Math.round(valueDb * 100) / 100;
}

import type { LevelFlag } from "../../../protocol/noise.ts";
import { type LevelSample, validLevelDb } from "../level-statistics.ts";

/** Flags that leave a level true and yet keep it out of a finding. */
export const EXCLUDING_FLAGS = ["weather", "calibration", "maintenance"] as const satisfies readonly LevelFlag[];

/** The seconds of a window, each counted once. */
export interface FindingLevels {
  /** Seconds of the window. */
  readonly n: number;
  /** The levels that count, dB(A), in order. */
  readonly levelsDb: readonly number[];
  /** Valid in themselves, left out by a flag. A second with several flags counts under the first of the list. */
  readonly excluded: Readonly<Record<(typeof EXCLUDING_FLAGS)[number], number>>;
  /** Read with an invalidating flag, or as nothing. */
  readonly invalid: number;
  /** No reading at all. */
  readonly absent: number;
}

/** Sorts the seconds of a window into those that a finding may use and those that it must count and leave out. */
export function findingLevels(window: readonly (LevelSample | undefined)[]): FindingLevels {
  const levelsDb: number[] = [];
  const excluded = { weather: 0, calibration: 0, maintenance: 0 };
  let invalid = 0;
  let absent = 0;
  for (const sample of window) {
    const levelDb = validLevelDb(sample);
    const why = sample === undefined ? undefined : EXCLUDING_FLAGS.find((flag) => sample.flags.includes(flag));
    if (sample === undefined) absent += 1;
    else if (levelDb === undefined) invalid += 1;
    else if (why !== undefined) excluded[why] += 1;
    else levelsDb.push(levelDb);
  }
  return { n: window.length, levelsDb, excluded, invalid, absent };
}

/**
 * Valid-data rate, percent: valid seconds of those that were due.
 * @source HJ 906-2017, HJ 907-2017: VDR
 */
export function validPct(valid: number, due: number): number {
  return due <= 0 ? 0 : (valid * 100) / due;
}

import { exceededDb, laeqDb, validLevelDb } from "../level-statistics.ts";
import type { LevelTrack } from "../level-track.ts";
import type { LevelWatchSettings } from "../settings.ts";

export type LevelFaultName = "level-stuck" | "level-implausible" | "level-covered";

/** The numbers behind a verdict; they go into the alarm's `limits` and come back when it is asked whether it is over. */
export type LevelFaultNumbers = Readonly<Record<string, number>>;

/** One way in which a meter answers on time and yet does not hear. */
export interface LevelFaultDetector {
  readonly name: LevelFaultName;
  /** Shown as the device's health. */
  readonly code: "LEVEL_STUCK" | "LEVEL_IMPLAUSIBLE" | "LEVEL_COVERED";
  readonly message: (numbers: LevelFaultNumbers) => string;
  readonly hint: string;
  /** How far it looks back, seconds. */
  readonly lookBackS: number;
  /** @returns the numbers where the fault is there at the end of the track's slot */
  begins(track: LevelTrack, slot: number): LevelFaultNumbers | undefined;
  isOver(track: LevelTrack, slot: number, numbers: LevelFaultNumbers): boolean;
}

/** Valid part of a window that any verdict on it needs. */
const ENOUGH = 0.9;
/** A meter is lively again when its last minute says so. */
const LIVELY_S = 60;
/** A meter that toggles between two neighbouring values is not yet lively. */
const LIVELY_VALUES = 3;

export function levelFaultDetectors(settings: LevelWatchSettings): readonly LevelFaultDetector[] {
  return [stuck(settings), implausible(settings), covered(settings)];
}

/** The same value, to the last digit, for `stuckAfterS`: sound is never that still, a frozen register is. */
function stuck({ stuckAfterS }: LevelWatchSettings): LevelFaultDetector {
  return {
    name: "level-stuck",
    code: "LEVEL_STUCK",
    message: ({ levelDb }) => `the level has not moved from ${levelDb} dB(A) for ${stuckAfterS} s`,
    hint: "Look at the meter: a held display, a broken microphone or a frozen register. Switch it off and on.",
    lookBackS: stuckAfterS,
    begins(track, slot) {
      const levels = levelsOf(track, slot - stuckAfterS + 1, slot);
      const [levelDb] = levels ?? [];
      if (levels === undefined || levelDb === undefined) return undefined;
      return levels.every((level) => level === levelDb) ? { levelDb, stuckAfterS } : undefined;
    },
    isOver(track, slot) {
      const levels = levelsOf(track, slot - LIVELY_S + 1, slot);
      return levels !== undefined && new Set(levels).size >= LIVELY_VALUES;
    },
  };
}

/** LAeq of `floorWindowS` below what the place can have: a microphone that is cut off still gives its own noise. */
function implausible({ floorDb, floorWindowS }: LevelWatchSettings): LevelFaultDetector {
  return {
    name: "level-implausible",
    code: "LEVEL_IMPLAUSIBLE",
    message: ({ levelDb }) =>
      `LAeq of ${floorWindowS} s is ${levelDb} dB(A), below the ${floorDb} that this place can have`,
    hint: "Look at the microphone and its cable, and at the profile's scale. A very quiet place needs a lower floorDb.",
    lookBackS: floorWindowS,
    begins(track, slot) {
      const meanDb = laeqDb(levelsOf(track, slot - floorWindowS + 1, slot) ?? []);
      return meanDb === undefined || meanDb >= floorDb ? undefined : { levelDb: tenths(meanDb), floorDb, floorWindowS };
    },
    isOver(track, slot) {
      const minuteDb = laeqDb(levelsOf(track, slot - LIVELY_S + 1, slot) ?? []);
      const wholeDb = laeqDb(levelsOf(track, slot - floorWindowS + 1, slot) ?? []);
      return minuteDb !== undefined && minuteDb >= floorDb && (wholeDb === undefined || wholeDb >= floorDb);
    },
  };
}

/**
 * L90 fell by more than `coveredDropDb` from one window to the next, and with it L10 − L90 collapsed to `coveredSpreadDb`: a
 * machine that stops leaves the street to be heard, which is never so even; a hood leaves only the microphone's own noise.
 */
function covered(settings: LevelWatchSettings): LevelFaultDetector {
  const { coveredWindowS, coveredBaselineS, coveredDropDb, coveredSpreadDb } = settings;
  return {
    name: "level-covered",
    code: "LEVEL_COVERED",
    message: ({ dropDb }) => `the quiet part of the level fell by ${dropDb} dB at once and hardly moves since`,
    hint: "Look whether the microphone is covered, turned away or under water.",
    lookBackS: coveredWindowS + coveredBaselineS,
    begins(track, slot) {
      const now = spreadOf(levelsOf(track, slot - coveredWindowS + 1, slot));
      const until = slot - coveredWindowS;
      const before = spreadOf(levelsOf(track, until - coveredBaselineS + 1, until));
      if (now === undefined || before === undefined) return undefined;
      const dropDb = tenths(before.l90Db - now.l90Db);
      const isCollapsed = now.spreadDb <= coveredSpreadDb && now.spreadDb <= before.spreadDb / 2;
      if (dropDb <= coveredDropDb || !isCollapsed) return undefined;
      return { dropDb, l90Db: now.l90Db, spreadDb: tenths(now.spreadDb) };
    },
    isOver(track, slot, { l90Db, dropDb }) {
      const minute = spreadOf(levelsOf(track, slot - LIVELY_S + 1, slot));
      if (minute !== undefined && l90Db !== undefined && dropDb !== undefined && minute.l90Db >= l90Db + dropDb / 2) {
        return true;
      }
      const now = spreadOf(levelsOf(track, slot - coveredWindowS + 1, slot));
      return now !== undefined && now.spreadDb > 2 * coveredSpreadDb;
    },
  };
}

/** The valid levels of slots `from`..`to`, or undefined where they are too few to say anything. */
function levelsOf(track: LevelTrack, from: number, to: number): readonly number[] | undefined {
  const window = track.window(from, to);
  const levels = window.map(validLevelDb).filter((level) => level !== undefined);
  return levels.length >= ENOUGH * window.length ? levels : undefined;
}

function spreadOf(
  levels: readonly number[] | undefined,
): { readonly l90Db: number; readonly spreadDb: number } | undefined {
  const descending = levels?.toSorted((a, b) => b - a) ?? [];
  const l10Db = exceededDb(descending, 10);
  const l90Db = exceededDb(descending, 90);
  return l10Db === null || l90Db === null ? undefined : { l90Db, spreadDb: l10Db - l90Db };
}

const tenths = (valueDb: number): number => Math.round(valueDb * 10) / 10;

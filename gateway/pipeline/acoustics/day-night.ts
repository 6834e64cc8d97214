import { laeqDb, ldnDb, mergedLaeqDb } from "../level-statistics.ts";
import { type FindingLevels, validPct } from "./finding-levels.ts";

/** One clock hour, or the part of it that was due. */
export interface HourOfLevels {
  readonly isNight: boolean;
  readonly levels: FindingLevels;
}

/** How much of a day must be there. The numbers of the monitoring standards are not verified: they are settings. */
export interface DayNightSettings {
  /** An hour counts where at least this part of its 3600 s is valid. */
  readonly minHourValidPct: number;
  readonly minDayHours: number;
  readonly minNightHours: number;
}

export const DEFAULT_DAY_NIGHT: DayNightSettings = { minHourValidPct: 75, minDayHours: 12, minNightHours: 6 };

export interface DayNightLevels {
  /** Over the hours that count, dB(A); null where they are too few. `ldnDb` needs both. */
  readonly ldDb: number | null;
  readonly lnDb: number | null;
  readonly ldnDb: number | null;
  readonly dayHours: number;
  readonly nightHours: number;
}

const HOUR_S = 3600;

/** Ld, Ln and Ldn (16 h and 8 h) of one day from its hours; hours are merged by their valid seconds. */
export function dayNightLevels(
  hours: readonly HourOfLevels[],
  { minHourValidPct, minDayHours, minNightHours }: DayNightSettings = DEFAULT_DAY_NIGHT,
): DayNightLevels {
  const counted = hours.filter(({ levels }) => validPct(levels.levelsDb.length, HOUR_S) >= minHourValidPct);
  const merged = (isNight: boolean): { readonly count: number; readonly levelDb: number | undefined } => {
    const some = counted.filter((hour) => hour.isNight === isNight).map(({ levels }) => levels.levelsDb);
    const blocks = some.map((levelsDb) => ({ laeqDb: laeqDb(levelsDb) ?? null, valid: levelsDb.length }));
    return { count: some.length, levelDb: mergedLaeqDb(blocks) };
  };
  const day = merged(false);
  const night = merged(true);
  const ldDb = day.count >= minDayHours ? (day.levelDb ?? null) : null;
  const lnDb = night.count >= minNightHours ? (night.levelDb ?? null) : null;
  return {
    ldDb,
    lnDb,
    ldnDb: ldDb === null || lnDb === null ? null : ldnDb(ldDb, lnDb),
    dayHours: day.count,
    nightHours: night.count,
  };
}

import type { BackgroundTable } from "../../contracts/rule-set.ts";

/** `correctionDb` null: the background is too near, and the measurement says nothing of its source. */
export type BackgroundVerdict =
  | { readonly correctionDb: number; readonly correctedDb: number }
  | { readonly correctionDb: null };

/** Differences are compared to a thousandth, so that 62.3 − 59.3 is 3. */
const GRAIN = 1000;

/**
 * Takes the background out of a measured level by a standard's step table, which is not the energy formula: below the first
 * step nothing can be said, above the last nothing is taken off, between them the difference is rounded.
 * @param measuredDb LAeq with the source, dB(A)
 * @param backgroundDb LAeq without it, dB(A)
 */
export function withoutBackground(
  measuredDb: number,
  backgroundDb: number,
  { steps, roundDifferenceToDb }: BackgroundTable,
): BackgroundVerdict {
  const differenceDb = Math.round((measuredDb - backgroundDb) * GRAIN) / GRAIN;
  const least = steps[0]?.fromDb ?? 0;
  const most = steps.at(-1)?.toDb ?? 0;
  if (differenceDb < least) return { correctionDb: null };
  if (differenceDb > most) return { correctionDb: 0, correctedDb: measuredDb };
  const roundedDb = Math.round(differenceDb / roundDifferenceToDb) * roundDifferenceToDb;
  const step = steps.find(({ fromDb, toDb }) => roundedDb >= fromDb && roundedDb <= toDb);
  const correctionDb = step?.correctionDb ?? 0;
  return { correctionDb, correctedDb: measuredDb + correctionDb };
}

import { type CountedCase, hasEnded } from "./counted-cases.ts";
import { sum } from "./response.ts";

/** What came of the cases that were found in one way. */
export interface OutcomeFigures {
  readonly foundBy: string;
  readonly cases: number;
  readonly open: number;
  readonly verified: number;
  readonly unverified: number;
  readonly falseAlarms: number;
  readonly selfCleared: number;
  /** Cases with a penalty file of their own. */
  readonly penalties: number;
  readonly finesCny: number;
  /** By legal ground, of cases that name one. */
  readonly grounds: readonly { readonly ground: string; readonly cases: number }[];
}

/** One row for each way in which a case was found, most cases first. */
export function outcomesByFinding(cases: readonly CountedCase[]): readonly OutcomeFigures[] {
  return [...Map.groupBy(cases, ({ foundBy }) => foundBy)]
    .map(([foundBy, found]) => ({ foundBy, ...outcomes(found) }))
    .sort((a, b) => b.cases - a.cases || (a.foundBy < b.foundBy ? -1 : 1));
}

function outcomes(cases: readonly CountedCase[]): Omit<OutcomeFigures, "foundBy"> {
  const inState = (name: CountedCase["state"]) => cases.filter(({ state }) => state === name).length;
  const grounds = Map.groupBy(
    cases.filter(({ ground }) => ground !== undefined),
    ({ ground = "" }) => ground,
  );
  return {
    cases: cases.length,
    open: cases.filter((one) => !hasEnded(one)).length,
    verified: inState("closed"),
    unverified: inState("closed-unverified"),
    falseAlarms: inState("false-alarm"),
    selfCleared: inState("self-cleared"),
    penalties: cases.filter(({ penaltyNumber }) => penaltyNumber !== undefined).length,
    finesCny: sum(cases, ({ fineCny = 0 }) => fineCny),
    grounds: [...grounds]
      .map(([ground, found]) => ({ ground, cases: found.length }))
      .sort((a, b) => b.cases - a.cases || (a.ground < b.ground ? -1 : 1)),
  };
}

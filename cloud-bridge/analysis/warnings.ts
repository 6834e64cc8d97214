import type { CountedCase } from "./counted-cases.ts";
import { isWithin, type Period, periodBefore } from "./period.ts";

export const WARNING_COLOURS = ["red", "orange", "yellow"] as const;
export type WarningColour = (typeof WARNING_COLOURS)[number];

export interface WarningLimits {
  /** So many spreads above its own mean. */
  readonly yellow: number;
  readonly orange: number;
  readonly red: number;
  /** Fewer cases are no warning, however quiet it used to be. */
  readonly leastCases: number;
}

export const DEFAULT_WARNING_LIMITS: WarningLimits = { yellow: 1, orange: 2, red: 3, leastCases: 3 };

/** 三色预警: one place, kind or unit, against what was usual for itself. */
export interface Warning {
  readonly key: string;
  readonly cases: number;
  /** Mean of the periods before. */
  readonly usual: number;
  /** Cases above the usual, in spreads of its own. */
  readonly spreads: number;
  /** Absent: as usual. */
  readonly colour?: WarningColour;
}

export interface Baseline {
  readonly period: Period;
  /** Periods of the same length before it that the usual is taken from. */
  readonly periods: number;
}

/**
 * Every key that has cases in the period, the most unusual first. The spread is that of its own counts, at least that of a
 * rare event (the root of its mean), and at least one half: a place that never had a case is not infinitely unusual.
 */
export function warnings(
  cases: readonly CountedCase[],
  keyOf: (one: CountedCase) => string | undefined,
  { period, periods }: Baseline,
  limits: WarningLimits = DEFAULT_WARNING_LIMITS,
): readonly Warning[] {
  const before = Array.from({ length: periods }, (_, index) => periodBefore(period, index + 1));
  const counts = new Map<string, { now: number; earlier: number[] }>();
  for (const one of cases) {
    const key = keyOf(one);
    if (key === undefined) continue;
    const found = counts.get(key) ?? { now: 0, earlier: before.map(() => 0) };
    counts.set(key, found);
    if (isWithin(one.openedAtMs, period)) found.now += 1;
    const index = before.findIndex((span) => isWithin(one.openedAtMs, span));
    if (index >= 0) found.earlier[index] = (found.earlier[index] ?? 0) + 1;
  }
  return [...counts]
    .filter(([, { now }]) => now > 0)
    .map(([key, { now, earlier }]) => warningOf(key, now, earlier, limits))
    .sort((a, b) => b.spreads - a.spreads || b.cases - a.cases || (a.key < b.key ? -1 : 1));
}

function warningOf(key: string, cases: number, earlier: readonly number[], limits: WarningLimits): Warning {
  const usual = earlier.reduce((total, count) => total + count, 0) / earlier.length;
  const variance = earlier.reduce((total, count) => total + (count - usual) ** 2, 0) / earlier.length;
  const spreads = (cases - usual) / Math.sqrt(Math.max(variance, usual, 0.25));
  const colour = WARNING_COLOURS.find((name) => spreads >= limits[name]);
  return {
    key,
    cases,
    usual: Math.round(usual * 100) / 100,
    spreads: Math.round(spreads * 100) / 100,
    ...(colour === undefined || cases < limits.leastCases ? {} : { colour }),
  };
}

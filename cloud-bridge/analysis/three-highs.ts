import { offsetMsAt } from "../../protocol/local-time.ts";
import { gridCell } from "../roster/areas.ts";
import type { GeoPosition } from "../roster/distance.ts";
import type { CountedCase } from "./counted-cases.ts";
import { isWithin, type Period } from "./period.ts";

const HOUR_MS = 3_600_000;
/** Found by a machine that watched for so many hours; people report from everywhere at any time. */
const BY_MACHINE = new Set(["meter", "camera-rule"]);

/** Cases of one bucket in the period and in the one before it; a rate where a meter watched. */
export interface HighCount {
  readonly cases: number;
  readonly casesBefore: number;
  /** Of `cases`, those that a meter or a camera found. */
  readonly byMachine: number;
  readonly observedHours: number;
  /** Cases found by machine in 100 hours of valid levels; null where too little was observed to say. */
  readonly per100Hours: number | null;
}

/** 高发区域 */
export interface HighPlace extends HighCount {
  readonly cell: string;
  /** Middle of the cell, WGS-84. */
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

/** 高发时段; local time, Monday is 1. */
export interface HighTime extends HighCount {
  readonly weekday: number;
  readonly hour: number;
}

/** 高发类型: of the catalogue, or the family where a case has no category. */
export interface HighKind {
  readonly kind: string;
  readonly cases: number;
  readonly casesBefore: number;
}

export interface ThreeHighs {
  readonly cases: number;
  readonly casesBefore: number;
  /** Cases that nobody could place. */
  readonly withoutPlace: number;
  readonly places: readonly HighPlace[];
  readonly times: readonly HighTime[];
  readonly kinds: readonly HighKind[];
}

export interface HighsInput {
  readonly period: Period;
  readonly before: Period;
  /** Of both periods. */
  readonly cases: readonly CountedCase[];
  readonly cellDeg: number;
  readonly timeZone: string;
  /** Below it a rate says nothing. */
  readonly leastHours: number;
  readonly observedPlaces: readonly { readonly place: GeoPosition; readonly hours: number }[];
  readonly observedHours: readonly { readonly hourMs: number; readonly hours: number }[];
}

/** The most cases first, in each of the three. */
export function threeHighs(input: HighsInput): ThreeHighs {
  const { period, before, cases } = input;
  const now = cases.filter(({ openedAtMs }) => isWithin(openedAtMs, period));
  const then = cases.filter(({ openedAtMs }) => isWithin(openedAtMs, before));
  return {
    cases: now.length,
    casesBefore: then.length,
    withoutPlace: now.filter(({ position }) => position === undefined).length,
    places: places(input, now, then),
    times: times(input, now, then),
    kinds: kinds(now, then),
  };
}

export function kindOf({ category, family }: CountedCase): string {
  return category ?? family;
}

function places(input: HighsInput, now: readonly CountedCase[], then: readonly CountedCase[]): readonly HighPlace[] {
  const { cellDeg, leastHours } = input;
  const cellOf = ({ position }: CountedCase) => (position === undefined ? undefined : gridCell(position, cellDeg));
  const counts = count(now, then, cellOf);
  const observed = new Map<string, number>();
  for (const { place, hours } of input.observedPlaces) add(observed, gridCell(place, cellDeg), hours);
  return [...counts]
    .map(([cell, of]) => {
      const [row = 0, column = 0] = cell.split(":").map(Number);
      const middle = { latitudeDeg: rounded((row + 0.5) * cellDeg), longitudeDeg: rounded((column + 0.5) * cellDeg) };
      return { cell, ...middle, ...highCount(of, observed.get(cell) ?? 0, leastHours) };
    })
    .sort(byCases);
}

function times(input: HighsInput, now: readonly CountedCase[], then: readonly CountedCase[]): readonly HighTime[] {
  const { timeZone, leastHours } = input;
  const local = localHours(timeZone);
  const counts = count(now, then, ({ openedAtMs }) => local(openedAtMs));
  const observed = new Map<string, number>();
  for (const { hourMs, hours } of input.observedHours) add(observed, local(hourMs), hours);
  return [...counts]
    .map(([key, of]) => {
      const [weekday = 1, hour = 0] = key.split(" ").map(Number);
      return { weekday, hour, ...highCount(of, observed.get(key) ?? 0, leastHours) };
    })
    .sort(byCases);
}

function kinds(now: readonly CountedCase[], then: readonly CountedCase[]): readonly HighKind[] {
  return [...count(now, then, kindOf)]
    .map(([kind, { cases, casesBefore }]) => ({ kind, cases, casesBefore }))
    .sort(byCases);
}

interface Counts {
  cases: number;
  casesBefore: number;
  byMachine: number;
}

function count(
  now: readonly CountedCase[],
  then: readonly CountedCase[],
  keyOf: (one: CountedCase) => string | undefined,
): ReadonlyMap<string, Counts> {
  const counts = new Map<string, Counts>();
  const at = (key: string): Counts => {
    const found = counts.get(key) ?? { cases: 0, casesBefore: 0, byMachine: 0 };
    counts.set(key, found);
    return found;
  };
  for (const one of now) {
    const key = keyOf(one);
    if (key === undefined) continue;
    const found = at(key);
    found.cases += 1;
    if (BY_MACHINE.has(one.foundBy)) found.byMachine += 1;
  }
  for (const one of then) {
    const key = keyOf(one);
    if (key !== undefined) at(key).casesBefore += 1;
  }
  return counts;
}

function highCount({ cases, casesBefore, byMachine }: Counts, hours: number, leastHours: number): HighCount {
  return {
    cases,
    casesBefore,
    byMachine,
    observedHours: Math.round(hours * 100) / 100,
    per100Hours: hours < leastHours || hours === 0 ? null : Math.round((byMachine / hours) * 10_000) / 100,
  };
}

/** `weekday hour` of a moment; the offset of a zone changes at most on the hour. */
function localHours(timeZone: string): (atMs: number) => string {
  const offsets = new Map<number, number>();
  return (atMs) => {
    const hourMs = atMs - (atMs % HOUR_MS);
    const offset = offsets.get(hourMs) ?? offsetMsAt(hourMs, timeZone);
    offsets.set(hourMs, offset);
    const local = new Date(atMs + offset);
    return `${((local.getUTCDay() + 6) % 7) + 1} ${local.getUTCHours()}`;
  };
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function byCases(
  a: { readonly cases: number; readonly casesBefore: number },
  b: { readonly cases: number; readonly casesBefore: number },
): number {
  return b.cases - a.cases || b.casesBefore - a.casesBefore;
}

function rounded(deg: number): number {
  return Math.round(deg * 1e6) / 1e6;
}

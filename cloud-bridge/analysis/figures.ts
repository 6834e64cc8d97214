import { catalogueInForce } from "../cases/catalogue-rows.ts";
import { gridCell } from "../roster/areas.ts";
import type { Db } from "../store/database.ts";
import { readAnsweringUnits } from "./answering-units.ts";
import { callBacksOf } from "./call-backs.ts";
import { type CaseFilter, type CountedCase, casesIn } from "./counted-cases.ts";
import { type FreeMeter, meterMoves, type WantedPlace } from "./meter-moves.ts";
import { observedByHour, observedByMeter, observedBySite, type SitesOfUnits } from "./observed-hours.ts";
import { type OutcomeFigures, outcomesByFinding } from "./outcomes.ts";
import { type Period, periodBefore } from "./period.ts";
import { type ResponseFigures, responseFigures } from "./response.ts";
import { sitePlaces } from "./site-places.ts";
import { kindOf, type ThreeHighs, threeHighs } from "./three-highs.ts";
import { type Warning, type WarningLimits, warnings } from "./warnings.ts";

/** What is asked of a period; plain data, so that a thread of its own can be asked. */
interface Asked {
  readonly period: Period;
  readonly filter: CaseFilter;
  readonly nowMs: number;
}

const GROUPS = { unit: "unitId", category: "category", foundBy: "foundBy", site: "siteId" } as const;

export type FiguresRequest =
  | (Asked & {
      readonly kind: "response";
      readonly satisfiedFrom: number;
      readonly groupBy: keyof typeof GROUPS | undefined;
    })
  | (Asked & { readonly kind: "outcomes" })
  | (Asked & {
      readonly kind: "highs";
      readonly cellDeg: number;
      readonly leastHours: number;
      readonly timeZone: string;
      /** Places and kinds at most. */
      readonly limit: number;
    })
  | (Asked & {
      readonly kind: "warnings";
      readonly by: "place" | "kind" | "site";
      readonly cellDeg: number;
      readonly baselinePeriods: number;
      readonly limits: WarningLimits;
    })
  | (Asked & {
      readonly kind: "meters";
      readonly cellDeg: number;
      readonly reachM: number;
      readonly leastHours: number;
    });

type Of<K extends FiguresRequest["kind"]> = Extract<FiguresRequest, { kind: K }>;

export interface ResponseAnswer {
  readonly figures: ResponseFigures;
  readonly before: ResponseFigures;
  readonly groups?: { readonly key: string; readonly figures: ResponseFigures }[];
  /** By unit: sites of cases that no unit answers for. */
  readonly sitesWithoutUnit?: string[];
}

export interface HighsAnswer extends ThreeHighs {
  readonly before: Period;
  readonly unplacedHours: number;
}

export interface FiguresAnswers {
  readonly response: ResponseAnswer;
  readonly outcomes: readonly OutcomeFigures[];
  readonly highs: HighsAnswer;
  readonly warnings: readonly Warning[];
  readonly meters: {
    readonly to: readonly WantedPlace[];
    readonly from: readonly Omit<FreeMeter, "place">[];
  };
}

/** Where figures come from: `ask` may take seconds over a year of cases. */
export interface Figures {
  /** @throws BridgeError SPAN_TOO_LONG, FIGURES_BUSY */
  ask<K extends FiguresRequest["kind"]>(request: Of<K>): Promise<FiguresAnswers[K]>;
}

/** Reads and counts in this very thread. */
export async function countFigures(db: Db, request: FiguresRequest): Promise<FiguresAnswers[FiguresRequest["kind"]]> {
  switch (request.kind) {
    case "response":
      return response(db, request);
    case "outcomes":
      return outcomesByFinding(await casesIn(db, request.period, request.filter));
    case "highs":
      return highs(db, request);
    case "warnings":
      return unusual(db, request);
    case "meters":
      return meters(db, request);
  }
}

async function response(
  db: Db,
  { period, filter, groupBy, satisfiedFrom, nowMs }: Of<"response">,
): Promise<ResponseAnswer> {
  const before = periodBefore(period);
  const now = await casesIn(db, period, filter);
  const then = await casesIn(db, before, filter);
  const heard = await callBacksOf(db, { fromMs: before.fromMs, toMs: period.toMs });
  const figures = (cases: readonly CountedCase[]) => responseFigures(cases, heard, { nowMs, satisfiedFrom });
  const both = { figures: figures(now), before: figures(then) };
  if (groupBy === undefined) return both;
  const groups = [...Map.groupBy(now, (one) => one[GROUPS[groupBy]] ?? "")].map(([key, cases]) => ({
    key,
    figures: figures(cases),
  }));
  groups.sort((a, b) => b.figures.cases - a.figures.cases || (a.key < b.key ? -1 : 1));
  return { ...both, groups, ...(groupBy === "unit" ? withoutUnit(now) : {}) };
}

/** Named, so that somebody can give them a unit. */
const NAMED_SITES = 50;

/** Of which sites the cases are that no unit answers for. */
function withoutUnit(cases: readonly CountedCase[]): Pick<ResponseAnswer, "sitesWithoutUnit"> {
  const sites = new Set(cases.flatMap(({ unitId, siteId }) => (unitId === undefined && siteId ? [siteId] : [])));
  return sites.size === 0 ? {} : { sitesWithoutUnit: [...sites].sort().slice(0, NAMED_SITES) };
}

async function sitesOf(db: Db, { unitIds }: CaseFilter): Promise<SitesOfUnits | undefined> {
  if (unitIds === undefined) return undefined;
  return { unitIds, onGround: (await readAnsweringUnits(db)).sitesOnGroundOf(unitIds) };
}

async function highs(db: Db, request: Of<"highs">): Promise<HighsAnswer> {
  const { period, filter, limit, ...settings } = request;
  const before = periodBefore(period);
  const cases = await casesIn(db, { fromMs: before.fromMs, toMs: period.toMs }, filter);
  const sites = await sitesOf(db, filter);
  const bySite = await observedBySite(db, period, sites);
  const observedHours = await observedByHour(db, period, sites);
  const places = await sitePlaces(db);
  const observedPlaces = bySite.flatMap(({ siteId = "", hours }) => {
    const place = places.get(siteId);
    return place === undefined ? [] : [{ place, hours }];
  });
  const hoursOf = (all: readonly { readonly hours: number }[]) => all.reduce((total, { hours }) => total + hours, 0);
  const found = threeHighs({ period, before, cases, ...settings, observedPlaces, observedHours });
  return {
    ...found,
    before,
    places: found.places.slice(0, limit),
    kinds: found.kinds.slice(0, limit),
    unplacedHours: Math.max(0, Math.round((hoursOf(bySite) - hoursOf(observedPlaces)) * 100) / 100),
  };
}

async function unusual(db: Db, request: Of<"warnings">): Promise<readonly Warning[]> {
  const { period, filter, by, cellDeg, baselinePeriods: periods, limits } = request;
  const { fromMs } = periodBefore(period, periods);
  const keyOf = (one: CountedCase): string | undefined => {
    if (by === "kind") return kindOf(one);
    if (by === "site") return one.siteId;
    return one.position === undefined ? undefined : gridCell(one.position, cellDeg);
  };
  return warnings(await casesIn(db, { fromMs, toMs: period.toMs }, filter), keyOf, { period, periods }, limits);
}

async function meters(db: Db, request: Of<"meters">): Promise<FiguresAnswers["meters"]> {
  const { period, filter, nowMs, cellDeg, reachM, leastHours } = request;
  const all = await casesIn(db, period, filter);
  const { categories } = await catalogueInForce(db, nowMs);
  const codes = new Set(categories.filter(({ families = [] }) => families.includes("noise")).map(({ code }) => code));
  const places = await sitePlaces(db);
  const standing = await observedByMeter(db, period, await sitesOf(db, filter));
  const moves = meterMoves({
    cases: all.filter(({ family, category = "" }) => family === "noise" || codes.has(category)),
    meters: standing.map(({ hours, ...meter }) => {
      const place = places.get(meter.siteId ?? "");
      return { ...meter, observedHours: Math.round(hours * 100) / 100, ...(place === undefined ? {} : { place }) };
    }),
    cellDeg,
    reachM,
    leastHours,
  });
  return { to: moves.to, from: moves.from.map(({ place: _, ...meter }) => meter) };
}

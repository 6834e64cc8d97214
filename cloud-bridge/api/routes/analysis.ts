import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { NodeId } from "../../../protocol/ids.ts";
import { callBacksOf } from "../../analysis/call-backs.ts";
import { type CaseFilter, type CountedCase, casesIn } from "../../analysis/counted-cases.ts";
import { meterMoves } from "../../analysis/meter-moves.ts";
import { hoursOfMeter, observedByHour, observedByMeter, observedBySite } from "../../analysis/observed-hours.ts";
import { outcomesByFinding } from "../../analysis/outcomes.ts";
import { type Period, periodBefore } from "../../analysis/period.ts";
import { responseFigures } from "../../analysis/response.ts";
import { sitePlaces } from "../../analysis/site-places.ts";
import { kindOf, threeHighs } from "../../analysis/three-highs.ts";
import { DEFAULT_WARNING_LIMITS, warnings } from "../../analysis/warnings.ts";
import { catalogueInForce } from "../../cases/catalogue-rows.ts";
import { gridCell } from "../../roster/areas.ts";
import { readUnitTree } from "../../roster/units.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import {
  type AnalysisQuery,
  AnalysisQuery as AnalysisQuerySchema,
  HighsQuery,
  HighsView,
  HoursQuery,
  HoursView,
  MovesQuery,
  MovesView,
  OutcomesView,
  ResponseQuery,
  ResponseView,
  WarningsQuery,
  WarningsView,
} from "../schema/analysis.ts";
import { Problem } from "../schema/common.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const DAY_MS = 86_400_000;
const LONGEST_MS = 366 * DAY_MS;
const CELL_DEG = 0.005;
const REACH_M = 300;
const LEAST_HOURS = 24;
const BASELINE_PERIODS = 8;
const SATISFIED_FROM = 4;
const PLACES = 100;

/** Figures for those who plan: how fast, with what outcome, where, when and what for, and what is unusual. */
export function analysisRoutes(instance: FastifyInstance, { store, clock, timeZone }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = store;

  app.get(
    "/analysis/response",
    {
      config: { access: READERS },
      schema: {
        summary: "Response times and rates, beside the same length just before",
        querystring: ResponseQuery,
        response: { 200: ResponseView, "4xx": Problem },
      },
    },
    async (request) => {
      const { query } = request;
      const { groupBy, satisfiedFrom = SATISFIED_FROM } = query;
      const period = periodOf(query);
      const before = periodBefore(period);
      const filter = await filterOf(request, query);
      const [now, then] = await Promise.all([casesIn(db, period, filter), casesIn(db, before, filter)]);
      const heard = await callBacksOf(db, { fromMs: before.fromMs, toMs: period.toMs });
      const options = { nowMs: clock.nowMs(), satisfiedFrom };
      const figures = (cases: readonly CountedCase[]) => responseFigures(cases, heard, options);
      const keyOf = { unit: "unitId", category: "category", foundBy: "foundBy", site: "siteId" } as const;
      const groups = groupBy === undefined ? undefined : Map.groupBy(now, (one) => one[keyOf[groupBy]] ?? "");
      return {
        period,
        figures: figures(now),
        before: figures(then),
        ...(groups === undefined
          ? {}
          : {
              groups: [...groups]
                .map(([key, cases]) => ({ key, figures: figures(cases) }))
                .sort((a, b) => b.figures.cases - a.figures.cases || (a.key < b.key ? -1 : 1)),
            }),
      };
    },
  );

  app.get(
    "/analysis/outcomes",
    {
      config: { access: READERS },
      schema: {
        summary: "What came of cases, by how they were found",
        querystring: AnalysisQuerySchema,
        response: { 200: OutcomesView, "4xx": Problem },
      },
    },
    async (request) => {
      const period = periodOf(request.query);
      const cases = await casesIn(db, period, await filterOf(request, request.query));
      return { period, outcomes: copies(outcomesByFinding(cases)) };
    },
  );

  app.get(
    "/analysis/highs",
    {
      config: { access: READERS },
      schema: {
        summary: "The three highs: places, times and kinds, as counts and as rates for the hours observed",
        querystring: HighsQuery,
        response: { 200: HighsView, "4xx": Problem },
      },
    },
    async (request) => {
      const { query } = request;
      const { cellDeg = CELL_DEG, leastHours = LEAST_HOURS, limit = PLACES } = query;
      const period = periodOf(query);
      const before = periodBefore(period);
      const filter = await filterOf(request, query);
      const [cases, bySite, observedHours, places] = await Promise.all([
        casesIn(db, { fromMs: before.fromMs, toMs: period.toMs }, filter),
        observedBySite(db, period, filter.unitIds),
        observedByHour(db, period, filter.unitIds),
        sitePlaces(db),
      ]);
      const observedPlaces = bySite.flatMap(({ siteId = "", hours }) => {
        const place = places.get(siteId);
        return place === undefined ? [] : [{ place, hours }];
      });
      const placed = observedPlaces.reduce((total, { hours }) => total + hours, 0);
      const all = bySite.reduce((total, { hours }) => total + hours, 0);
      const found = threeHighs({
        period,
        before,
        cases,
        cellDeg,
        timeZone,
        leastHours,
        observedPlaces,
        observedHours,
      });
      return {
        period,
        before,
        timeZone,
        cellDeg,
        cases: found.cases,
        casesBefore: found.casesBefore,
        withoutPlace: found.withoutPlace,
        unplacedHours: Math.max(0, Math.round((all - placed) * 100) / 100),
        places: found.places.slice(0, limit).map((place) => ({ ...place })),
        times: found.times.map((time) => ({ ...time })),
        kinds: found.kinds.slice(0, limit).map((kind) => ({ ...kind })),
      };
    },
  );

  app.get(
    "/analysis/warnings",
    {
      config: { access: READERS },
      schema: {
        summary: "Three-colour warning: what is unusual against its own past",
        querystring: WarningsQuery,
        response: { 200: WarningsView, "4xx": Problem },
      },
    },
    async (request) => {
      const { query } = request;
      const { by = "place", cellDeg = CELL_DEG, baselinePeriods: periods = BASELINE_PERIODS } = query;
      const period = periodOf(query);
      const { fromMs } = periodBefore(period, periods);
      const cases = await casesIn(db, { fromMs, toMs: period.toMs }, await filterOf(request, query));
      const keyOf = (one: CountedCase): string | undefined => {
        if (by === "kind") return kindOf(one);
        if (by === "site") return one.siteId;
        return one.position === undefined ? undefined : gridCell(one.position, cellDeg);
      };
      const limits = {
        yellow: query.yellow ?? DEFAULT_WARNING_LIMITS.yellow,
        orange: query.orange ?? DEFAULT_WARNING_LIMITS.orange,
        red: query.red ?? DEFAULT_WARNING_LIMITS.red,
        leastCases: query.leastCases ?? DEFAULT_WARNING_LIMITS.leastCases,
      };
      const found = warnings(cases, keyOf, { period, periods }, limits);
      return { period, baselinePeriods: periods, warnings: found.map((warning) => ({ ...warning })) };
    },
  );

  app.get(
    "/analysis/meters",
    {
      config: { access: READERS },
      schema: {
        summary: "Where meters should move next",
        querystring: MovesQuery,
        response: { 200: MovesView, "4xx": Problem },
      },
    },
    async (request) => {
      const { query } = request;
      const { cellDeg = CELL_DEG, reachM = REACH_M, leastHours = LEAST_HOURS } = query;
      const period = periodOf(query);
      const filter = await filterOf(request, query);
      const [all, catalogue, meters, places] = await Promise.all([
        casesIn(db, period, filter),
        catalogueInForce(db, clock.nowMs()),
        observedByMeter(db, period, filter.unitIds),
        sitePlaces(db),
      ]);
      const ofNoise = catalogue.categories.filter(({ families = [] }) => families.includes("noise"));
      const codes = new Set(ofNoise.map(({ code }) => code));
      const cases = all.filter(({ family, category = "" }) => family === "noise" || codes.has(category));
      const moves = meterMoves({
        cases,
        meters: meters.map(({ hours, ...meter }) => {
          const place = places.get(meter.siteId ?? "");
          return { ...meter, observedHours: Math.round(hours * 100) / 100, ...(place === undefined ? {} : { place }) };
        }),
        cellDeg,
        reachM,
        leastHours,
      });
      return {
        period,
        to: moves.to.map((place) => ({ ...place })),
        from: moves.from.map(({ place: _, ...meter }) => meter),
      };
    },
  );

  app.get(
    "/nodes/:id/hours",
    {
      config: { access: READERS },
      schema: {
        summary: "Hourly LAeq of one meter, also of times whose 1-s levels are gone",
        params: Type.Object({ id: NodeId }),
        querystring: HoursQuery,
        response: { 200: HoursView, "4xx": Problem },
      },
    },
    async ({ params, query }) => {
      const { device, subject } = query;
      const meter = { node: params.id, device, ...(subject === undefined ? {} : { subject }) };
      const hours = await hoursOfMeter(db, meter, periodOf(query));
      return { hours: hours.map((hour) => ({ ...hour })) };
    },
  );

  /** Whose account belongs to a unit sees the figures of that unit and of what is below it. */
  async function filterOf(
    request: FastifyRequest,
    query: Partial<Omit<AnalysisQuery, "fromMs" | "toMs">>,
  ): Promise<CaseFilter> {
    const { family, category, siteId, foundBy, unitId } = query;
    const own = accountOf(request).unitId;
    const asked = [own, unitId].filter((unit) => unit !== undefined);
    const tree = asked.length === 0 ? undefined : await readUnitTree(db);
    const [first, ...others] = asked.map((unit) => tree?.subtree(unit) ?? new Set<string>());
    const unitIds = first && new Set([...first].filter((id) => others.every((units) => units.has(id))));
    return {
      ...(family === undefined ? {} : { family }),
      ...(category === undefined ? {} : { category }),
      ...(siteId === undefined ? {} : { siteId }),
      ...(foundBy === undefined ? {} : { foundBy }),
      ...(unitIds === undefined ? {} : { unitIds }),
    };
  }
}

function periodOf({ fromMs, toMs }: Period): Period {
  if (toMs <= fromMs) {
    throw new BridgeError("SPAN_EMPTY", "the period ends before it begins", {
      status: 400,
      hint: "`fromMs` is the first moment, `toMs` the first one after the period; both UTC, in ms.",
    });
  }
  if (toMs - fromMs > LONGEST_MS) {
    throw new BridgeError("SPAN_TOO_LONG", "more than 366 days were asked for", {
      status: 400,
      hint: "Ask for one year at a time.",
    });
  }
  return { fromMs, toMs };
}

function copies(outcomes: ReturnType<typeof outcomesByFinding>) {
  return outcomes.map((row) => ({ ...row, grounds: row.grounds.map((ground) => ({ ...ground })) }));
}

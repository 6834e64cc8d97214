import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { NodeId } from "../../../protocol/ids.ts";
import type { CaseFilter } from "../../analysis/counted-cases.ts";
import { hoursOfMeter } from "../../analysis/observed-hours.ts";
import type { Period } from "../../analysis/period.ts";
import { DEFAULT_WARNING_LIMITS } from "../../analysis/warnings.ts";
import { readUnitTree } from "../../roster/units.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import {
  AnalysisQuery,
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

type AnalysisQueryFields = Omit<Static<typeof AnalysisQuery>, "fromMs" | "toMs">;

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
export function analysisRoutes(instance: FastifyInstance, { store, clock, timeZone, figures }: ApiContext): void {
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
      const { groupBy, satisfiedFrom = SATISFIED_FROM } = request.query;
      const asked = await askedOf(request, request.query);
      const answer = await figures.ask({ ...asked, kind: "response", groupBy, satisfiedFrom });
      return { period: asked.period, ...answer };
    },
  );

  app.get(
    "/analysis/outcomes",
    {
      config: { access: READERS },
      schema: {
        summary: "What came of cases, by how they were found",
        querystring: AnalysisQuery,
        response: { 200: OutcomesView, "4xx": Problem },
      },
    },
    async (request) => {
      const asked = await askedOf(request, request.query);
      const outcomes = await figures.ask({ ...asked, kind: "outcomes" });
      return { period: asked.period, outcomes: outcomes.map((row) => ({ ...row, grounds: [...row.grounds] })) };
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
      const { cellDeg = CELL_DEG, leastHours = LEAST_HOURS, limit = PLACES } = request.query;
      const asked = await askedOf(request, request.query);
      const found = await figures.ask({ ...asked, kind: "highs", cellDeg, leastHours, timeZone, limit });
      const lists = { places: [...found.places], times: [...found.times], kinds: [...found.kinds] };
      return { ...found, ...lists, period: asked.period, timeZone, cellDeg };
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
      const { by = "place", cellDeg = CELL_DEG, baselinePeriods = BASELINE_PERIODS } = query;
      const asked = await askedOf(request, query);
      const limits = {
        yellow: query.yellow ?? DEFAULT_WARNING_LIMITS.yellow,
        orange: query.orange ?? DEFAULT_WARNING_LIMITS.orange,
        red: query.red ?? DEFAULT_WARNING_LIMITS.red,
        leastCases: query.leastCases ?? DEFAULT_WARNING_LIMITS.leastCases,
      };
      const found = await figures.ask({ ...asked, kind: "warnings", by, cellDeg, baselinePeriods, limits });
      return { period: asked.period, baselinePeriods, warnings: [...found] };
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
      const { cellDeg = CELL_DEG, reachM = REACH_M, leastHours = LEAST_HOURS } = request.query;
      const asked = await askedOf(request, request.query);
      const moves = await figures.ask({ ...asked, kind: "meters", cellDeg, reachM, leastHours });
      return { period: asked.period, to: [...moves.to], from: [...moves.from] };
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

  async function askedOf(request: FastifyRequest, query: Period & Partial<AnalysisQueryFields>) {
    return { period: periodOf(query), filter: await filterOf(request, query), nowMs: clock.nowMs() };
  }

  /** Whose account belongs to a unit sees the figures of that unit and of what is below it. */
  async function filterOf(request: FastifyRequest, query: Partial<AnalysisQueryFields>): Promise<CaseFilter> {
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

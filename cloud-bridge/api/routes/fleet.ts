import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { NodeId } from "../../../protocol/ids.ts";
import { countsOf, type FleetEntry, type FleetFilter, fleetIndex, groupOf, matches } from "../../fleet/fleet-index.ts";
import type { FleetSort } from "../../fleet/fleet-order.ts";
import { type FleetOrder, inOrder, placeOf } from "../../fleet/fleet-page.ts";
import { healthOver } from "../../fleet/health-series.ts";
import { viewsOf } from "../../fleet/node-views.ts";
import { auditOfTarget } from "../../roster/audit.ts";
import type { Scope } from "../../roster/scope.ts";
import { readUnitTree } from "../../roster/units.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "../cursor.ts";
import { Page, PageQuery, Problem } from "../schema/common.ts";
import { NodeView } from "../schema/fleet.ts";
import {
  AuditView,
  type FleetFilterQuery,
  FleetQuery,
  FleetSummary,
  FleetSummaryQuery,
  HealthQuery,
  HealthSeries,
} from "../schema/fleet-list.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;

/** The fleet as a whole: chosen, ordered, grouped and counted here, so that a page draws no more than it shows. */
export function fleetRoutes(instance: FastifyInstance, { store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = store;

  app.get(
    "/nodes",
    {
      config: { access: READERS },
      schema: {
        summary: "Nodes, chosen and in an order, page by page",
        querystring: FleetQuery,
        response: { 200: Page(NodeView), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const { cursor, limit = DEFAULT_PAGE, sort = "id", group, ...filter } = query;
      const isFalling = sort.startsWith("-");
      const order: FleetOrder = {
        sort: (isFalling ? sort.slice(1) : sort) as FleetSort,
        isFalling,
        ...(group === undefined ? {} : { group }),
      };
      const chosen = inOrder(await chosenBy(filter, scope), order, decodeCursor(cursor));
      const { items, next } = pageOf(chosen.slice(0, limit + 1), limit, (entry) => placeOf(entry, order));
      const views = await viewsOf(
        db,
        items.map(({ row }) => row),
        clock.nowMs(),
      );
      const named = views.map((view, at) => ({ ...view, ...namesOf(items[at]) }));
      return { items: named as Static<typeof NodeView>[], ...(next === undefined ? {} : { next }) };
    },
  );

  app.get(
    "/fleet/summary",
    {
      config: { access: READERS },
      schema: {
        summary: "Nodes counted: by how they stand, by group, and by what they can be chosen by",
        querystring: FleetSummaryQuery,
        response: { 200: FleetSummary, "4xx": Problem },
      },
    },
    async ({ query: { group, ...filter }, scope }) => {
      const chosen = await chosenBy(filter, scope);
      const groups =
        group === undefined
          ? []
          : [...Map.groupBy(chosen, (entry) => groupOf(entry, group).key)].map(([key, members]) => {
              const [first] = members;
              return { key, name: first === undefined ? key : groupOf(first, group).name, ...countsOf(members) };
            });
      const facets = {
        versions: tally(chosen, ({ version }) => [version]),
        configs: tally(chosen, ({ configSha256 }) => [configSha256]),
        faults: tally(chosen, ({ faults }) => faults),
      };
      return { total: countsOf(chosen), groups, facets };
    },
  );

  app.get(
    "/nodes/:id/health",
    {
      config: { access: READERS },
      schema: {
        summary: "What a node said of its own health, in at most 300 steps",
        params: Type.Object({ id: NodeId }),
        querystring: HealthQuery,
        response: { 200: HealthSeries, "4xx": Problem },
      },
    },
    async ({ params, query }) => healthOver(db, params.id, query.fromMs, query.toMs),
  );

  app.get(
    "/nodes/:id/audit",
    {
      config: { access: ["admin", "operator", "supervisor"] },
      schema: {
        summary: "Who did what to this node, newest first",
        params: Type.Object({ id: NodeId }),
        querystring: PageQuery,
        response: { 200: Page(AuditView), "4xx": Problem },
      },
    },
    async ({ params, query: { cursor, limit = DEFAULT_PAGE } }) => {
      const before = decodeCursor(cursor);
      const found = await auditOfTarget(db, params.id, limit + 1, before === undefined ? undefined : Number(before));
      return pageOf([...found], limit, ({ id }) => String(id));
    },
  );

  async function chosenBy(query: Static<typeof FleetFilterQuery>, scope: Scope): Promise<FleetEntry[]> {
    const { unitId, ...rest } = query;
    const filter: FleetFilter = {
      ...rest,
      ...(unitId === undefined ? {} : { unitIds: (await readUnitTree(db)).subtree(unitId) }),
      ...(scope.isWhole ? {} : { ids: scope.nodeIds }),
    };
    return (await fleetIndex(db)).filter((entry) => matches(entry, filter));
  }
}

function namesOf({ siteName, unitId, unitName }: Pick<FleetEntry, "siteName" | "unitId" | "unitName"> = NOBODYS) {
  return {
    ...(siteName === "" ? {} : { siteName }),
    ...(unitId === "" ? {} : { unitId, unitName }),
  };
}

const NOBODYS = { siteName: "", unitId: "", unitName: "" };

/** Most first. */
function tally(entries: readonly FleetEntry[], valuesOf: (entry: FleetEntry) => readonly string[]) {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    for (const value of new Set(valuesOf(entry))) if (value !== "") counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts]
    .map(([value, nodes]) => ({ value, nodes }))
    .sort((a, b) => b.nodes - a.nodes || (a.value < b.value ? -1 : 1))
    .slice(0, 50);
}

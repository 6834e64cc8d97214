import { type Static, type TLiteral, Type } from "typebox";
import { HealthState } from "../../../protocol/bodies.ts";
import { NodeId, TimeQuality } from "../../../protocol/ids.ts";
import { FLEET_GROUPS, FLEET_SORTS, type FleetSort, type FleetGroup as Group } from "../../fleet/fleet-order.ts";
import { PageQuery } from "./common.ts";

/** `away`: no connection · `attention`: a device, a fault or a loss to look at · `ok`. */
export const Standing = Type.Union([Type.Literal("away"), Type.Literal("attention"), Type.Literal("ok")]);
export type Standing = Static<typeof Standing>;

export const FleetGroup = Type.Unsafe<Group>(Type.Union(FLEET_GROUPS.map((name) => Type.Literal(name))));
export type FleetGroup = Static<typeof FleetGroup>;

const Short = Type.String({ minLength: 1, maxLength: 64 });

/** What nodes can be chosen by; several together must all hold. */
export const FleetFilterQuery = Type.Object({
  /** Part of the node's id, or of its site's id or name. */
  q: Type.Optional(Short),
  siteId: Type.Optional(Short),
  /** Of this unit and all below it: by its site, or by the crew whose car it is. */
  unitId: Type.Optional(Short),
  /** With an MQTT connection, or without. */
  online: Type.Optional(Type.Boolean()),
  standing: Type.Optional(Standing),
  version: Type.Optional(Short),
  /** SHA-256 of its config; the begin is enough. */
  config: Type.Optional(Type.String({ pattern: "^[0-9a-f]{4,64}$" })),
  timeQuality: Type.Optional(TimeQuality),
  /** One of its devices is in this state. */
  device: Type.Optional(HealthState),
  /** With a fault of its own that stands, or without. */
  faulty: Type.Optional(Type.Boolean()),
  /** This fault stands. */
  fault: Type.Optional(Short),
  /** Records are on their way, or lost. */
  custody: Type.Optional(Type.Union([Type.Literal("outstanding"), Type.Literal("unexplained")])),
  /** Its journal is full within so many hours if nothing is sent. */
  fullWithinH: Type.Optional(Type.Number({ minimum: 0, maximum: 100_000 })),
});

export const FleetQuery = Type.Object({
  ...PageQuery.properties,
  ...FleetFilterQuery.properties,
  sort: Type.Optional(
    Type.Union(
      FLEET_SORTS.flatMap((name) => [name, `-${name}` as const]).map((way) => Type.Literal(way)) as TLiteral<
        FleetSort | `-${FleetSort}`
      >[],
    ),
  ),
  /** Members of one group stand together. */
  group: Type.Optional(FleetGroup),
});

const Count = Type.Integer({ minimum: 0 });
const Counts = {
  nodes: Count,
  away: Count,
  attention: Count,
  ok: Count,
  faults: Count,
  outstanding: Count,
  unexplained: Count,
};

export const FleetSummaryQuery = Type.Object({
  ...FleetFilterQuery.properties,
  group: Type.Optional(FleetGroup),
});

/** Of the nodes that the filters leave: counts, the same by group, and what can be filtered by, each with its count. */
export const FleetSummary = Type.Object({
  total: Type.Object(Counts),
  groups: Type.Array(Type.Object({ key: Type.String(), name: Type.String(), ...Counts })),
  facets: Type.Object({
    versions: Type.Array(Type.Object({ value: Type.String(), nodes: Count })),
    configs: Type.Array(Type.Object({ value: Type.String(), nodes: Count })),
    faults: Type.Array(Type.Object({ value: Type.String(), nodes: Count })),
  }),
});
export type FleetSummary = Static<typeof FleetSummary>;

/** Hourly picture of a node's own health: mean where nothing else is said. */
export const HealthPoint = Type.Object({
  atMs: Type.Integer(),
  rssBytes: Type.Number(),
  cpuPct: Type.Number(),
  journalBytes: Type.Number(),
  /** Highest. */
  unsentRecords: Type.Number(),
  rttMs: Type.Optional(Type.Number()),
  eventLoopDelayP99Ms: Type.Number(),
  /** Lowest. */
  hoursToFull: Type.Optional(Type.Number()),
  /** Words of the node in this span; a span with none is left out. */
  words: Count,
  /** Devices that were not online at least once. */
  troubled: Type.Array(Type.String()),
});
export type HealthPoint = Static<typeof HealthPoint>;

/** Who did what to this node. */
export const AuditView = Type.Object({
  id: Type.Integer(),
  atMs: Type.Integer(),
  /** An account, `node:ID`, or `cli:USER`. */
  actor: Type.String(),
  action: Type.String(),
  detail: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type AuditView = Static<typeof AuditView>;

export const HealthQuery = Type.Object({
  fromMs: Type.Integer({ minimum: 0 }),
  toMs: Type.Integer({ minimum: 0 }),
});
export const HealthSeries = Type.Object({ node: NodeId, stepMs: Type.Integer(), points: Type.Array(HealthPoint) });
export type HealthSeries = Static<typeof HealthSeries>;

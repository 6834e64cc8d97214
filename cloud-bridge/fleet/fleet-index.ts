import type { Selectable } from "kysely";
import type { DeviceBody } from "../../protocol/bodies.ts";
import type { Db } from "../store/database.ts";
import type { NodesTable } from "../store/fleet-tables.ts";
import type { FleetGroup, FleetSort } from "./fleet-order.ts";
import { recordDebts } from "./worst-nodes.ts";

/** A summary for order and colour only; the three facts of presence stand beside it and are never merged. */
export type Standing = "away" | "attention" | "ok";

/** What a fleet is filtered, ordered, grouped and counted by; cheap enough to be read of every node at once. */
export interface FleetEntry {
  readonly row: Selectable<NodesTable>;
  readonly id: string;
  readonly siteId: string;
  readonly siteName: string;
  /** Of its site, else of the crew whose car it is; '' for nobody's. */
  readonly unitId: string;
  readonly unitName: string;
  readonly version: string;
  readonly configSha256: string;
  readonly timeQuality: string;
  readonly isConnected: boolean;
  readonly standing: Standing;
  readonly deviceStates: ReadonlySet<string>;
  readonly faults: readonly string[];
  readonly outstanding: number;
  readonly unexplained: number;
  readonly heartbeatAtMs: number | undefined;
  readonly unsentRecords: number | undefined;
  readonly hoursToFull: number | undefined;
  readonly rttMs: number | undefined;
}

export interface FleetFilter {
  /** Part of the node's or its site's id or name. */
  readonly q?: string;
  readonly siteId?: string;
  readonly unitIds?: ReadonlySet<string>;
  readonly online?: boolean;
  readonly standing?: Standing;
  readonly version?: string;
  /** Begin of the hash is enough. */
  readonly config?: string;
  readonly timeQuality?: string;
  /** At least one of its devices is in this state. */
  readonly device?: string;
  /** With any fault that stands, or with none. */
  readonly faulty?: boolean;
  readonly fault?: string;
  readonly custody?: "outstanding" | "unexplained";
  /** Its journal is full within so many hours, if nothing is sent. */
  readonly fullWithinH?: number;
  /** None but these. */
  readonly ids?: ReadonlySet<string>;
}

/** Every node. Costs as much as there are nodes, devices and standing faults, not as there are records or runs. */
export async function fleetIndex(db: Db): Promise<FleetEntry[]> {
  const [rows, sites, crews, units, states, faults, debts] = await Promise.all([
    db.selectFrom("nodes").selectAll().orderBy("id").execute(),
    db.selectFrom("sites").select(["id", "name", "unit_id"]).execute(),
    db.selectFrom("crews").select(["vehicle_node", "unit_id"]).where("vehicle_node", "is not", null).execute(),
    db.selectFrom("units").select(["id", "name"]).execute(),
    db.selectFrom("device_state").select(["node", "state"]).where("subject_type", "=", "").execute(),
    db
      .selectFrom("alarms")
      .select(["node", "rule"])
      .where("family", "=", "fault")
      .where("phase", "<>", "cleared")
      .where("superseded", "=", 0)
      .execute(),
    recordDebts(db),
  ]);
  const siteOf = new Map(sites.map((site) => [site.id, site]));
  const carUnit = new Map(crews.map((crew) => [crew.vehicle_node, crew.unit_id]));
  const unitName = new Map(units.map(({ id, name }) => [id, name]));
  const statesBy = Map.groupBy(states, ({ node }) => node);
  const faultsBy = Map.groupBy(faults, ({ node }) => node);
  const debtOf = new Map(debts.map((debt) => [debt.node, debt]));
  return rows.map((row): FleetEntry => {
    const site = siteOf.get(row.site_id ?? "");
    const unitId = site?.unit_id ?? carUnit.get(row.id) ?? "";
    const deviceStates = new Set((statesBy.get(row.id) ?? []).map(({ state }) => state));
    const own = (faultsBy.get(row.id) ?? []).map(({ rule }) => rule);
    const { outstanding = 0, unexplained = 0 } = debtOf.get(row.id) ?? {};
    const isConnected = row.online === 1;
    const hasTrouble = own.length > 0 || unexplained > 0 || [...deviceStates].some((state) => !isFine(state));
    return {
      row,
      id: row.id,
      siteId: row.site_id ?? "",
      siteName: site?.name ?? "",
      unitId,
      unitName: unitName.get(unitId) ?? unitId,
      version: row.version ?? "",
      configSha256: row.config_sha256 ?? "",
      timeQuality: row.time_quality ?? "",
      isConnected,
      standing: isConnected ? (hasTrouble ? "attention" : "ok") : "away",
      ...{ deviceStates, faults: own, outstanding, unexplained },
      heartbeatAtMs: row.health_at_ms ?? undefined,
      ...ofHealth(row.health),
    };
  });
}

export function matches(entry: FleetEntry, filter: FleetFilter): boolean {
  const { q, siteId, unitIds, online, standing, version, config, timeQuality, device, faulty, fault, custody } = filter;
  const { fullWithinH, ids } = filter;
  return (
    (ids === undefined || ids.has(entry.id)) &&
    (q === undefined || `${entry.id} ${entry.siteId} ${entry.siteName}`.toLowerCase().includes(q.toLowerCase())) &&
    (siteId === undefined || entry.siteId === siteId) &&
    (unitIds === undefined || unitIds.has(entry.unitId)) &&
    (online === undefined || entry.isConnected === online) &&
    (standing === undefined || entry.standing === standing) &&
    (version === undefined || entry.version === version) &&
    (config === undefined || entry.configSha256.startsWith(config)) &&
    (timeQuality === undefined || entry.timeQuality === timeQuality) &&
    (device === undefined || entry.deviceStates.has(device)) &&
    (faulty === undefined || entry.faults.length > 0 === faulty) &&
    (fault === undefined || entry.faults.includes(fault)) &&
    (custody === undefined || entry[custody] > 0) &&
    (fullWithinH === undefined || (entry.hoursToFull ?? Number.POSITIVE_INFINITY) <= fullWithinH)
  );
}

const STANDING_RANK: Readonly<Record<Standing, number>> = { away: 0, attention: 1, ok: 2 };

/** What has no value comes last when rising. */
export function rankOf(entry: FleetEntry, sort: FleetSort): string | number | undefined {
  switch (sort) {
    case "id":
      return entry.id;
    case "site":
      return entry.siteName || entry.siteId || undefined;
    case "unit":
      return entry.unitName || undefined;
    case "version":
      return entry.version || undefined;
    case "standing":
      return STANDING_RANK[entry.standing];
    case "heartbeat":
      return entry.heartbeatAtMs;
    case "faults":
      return entry.faults.length;
    case "unsent":
      return entry.unsentRecords;
    case "rtt":
      return entry.rttMs;
    default:
      return entry[sort];
  }
}

/** Key and name of the group that a node stands in; '' is nobody's. */
export function groupOf(entry: FleetEntry, group: FleetGroup): { readonly key: string; readonly name: string } {
  switch (group) {
    case "unit":
      return { key: entry.unitId, name: entry.unitName };
    case "site":
      return { key: entry.siteId, name: entry.siteName };
    case "version":
      return { key: entry.version, name: entry.version };
    case "config":
      return { key: entry.configSha256, name: entry.configSha256.slice(0, 12) };
    case "standing":
      return { key: entry.standing, name: entry.standing };
  }
}

export interface FleetCounts {
  readonly nodes: number;
  readonly away: number;
  readonly attention: number;
  readonly ok: number;
  readonly faults: number;
  readonly outstanding: number;
  readonly unexplained: number;
}

export function countsOf(entries: readonly FleetEntry[]): FleetCounts {
  const counts = { nodes: entries.length, away: 0, attention: 0, ok: 0, faults: 0, outstanding: 0, unexplained: 0 };
  for (const entry of entries) {
    counts[entry.standing] += 1;
    counts.faults += entry.faults.length;
    counts.outstanding += entry.outstanding;
    counts.unexplained += entry.unexplained;
  }
  return counts;
}

function isFine(state: string): boolean {
  const fine: readonly DeviceBody["state"][] = ["online", "parked"];
  return fine.includes(state as DeviceBody["state"]);
}

/** Ingest wrote it from a body that its schema accepted. */
function ofHealth(json: string | null): Pick<FleetEntry, "unsentRecords" | "hoursToFull" | "rttMs"> {
  const body = json === null ? {} : (JSON.parse(json) as Record<string, unknown>);
  const number = (name: string) => (typeof body[name] === "number" ? body[name] : undefined);
  return { unsentRecords: number("unsentRecords"), hoursToFull: number("hoursToFull"), rttMs: number("rttMs") };
}

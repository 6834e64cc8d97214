import type { Selectable } from "kysely";
import { Compile } from "typebox/compile";
import { type DeviceBody, HealthBody } from "../../protocol/bodies.ts";
import type { Db } from "../store/database.ts";
import type { DeviceStateTable, NodesTable } from "../store/fleet-tables.ts";
import { type AccountingTotal, NOTHING_YET, totalsOf } from "./accounting.ts";
import { unknownNode } from "./enrolment.ts";

const checkedHealth = Compile(HealthBody);

type NodeRow = Selectable<NodesTable>;
type DeviceRow = Selectable<DeviceStateTable>;

export interface DevicePresence {
  readonly device: string;
  readonly driver?: string;
  readonly state: DeviceBody["state"];
  readonly freshnessMs?: number;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** Three separate facts; none is derived from another. */
export interface NodePresence {
  readonly transport: "connected" | "disconnected" | "never";
  readonly heartbeatAgeMs?: number;
  readonly parkedSinceMs?: number;
  readonly devices: readonly DevicePresence[];
}

export interface JournalFacts {
  readonly sizeBytes: number;
  readonly oldestUnsentMs?: number;
  readonly hoursToFull?: number;
  readonly laneDepth: number[];
  readonly reserveHeld?: boolean;
  readonly full?: boolean;
  readonly alarmStoreFull?: boolean;
}

/** The node as it stands in the store; its shape is that of the API's NodeView. */
export interface NodeFacts {
  readonly id: string;
  readonly siteId?: string;
  readonly version?: string;
  readonly configSha256?: string;
  readonly timeQuality?: string;
  readonly pairedAtMs?: number;
  readonly revokedAtMs?: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly atMs: number };
  readonly presence: NodePresence;
  readonly accounting: AccountingTotal;
  readonly unsentRecords?: number;
  readonly dayBytes?: number;
  readonly dailyBytes?: number;
  readonly rttMs?: number;
  readonly journal?: JournalFacts;
  readonly faults: readonly {
    readonly rule: string;
    readonly device?: string;
    readonly sinceMs: number;
    readonly detail?: string;
  }[];
}

/** In order of id, beginning after `after`. */
export async function listNodes(
  db: Db,
  { limit, nowMs, after = "" }: { readonly limit: number; readonly nowMs: number; readonly after?: string | undefined },
): Promise<readonly NodeFacts[]> {
  const rows = await db.selectFrom("nodes").selectAll().where("id", ">", after).orderBy("id").limit(limit).execute();
  return viewsOf(db, rows, nowMs);
}

/** @throws BridgeError NODE_UNKNOWN */
export async function findNode(db: Db, node: string, nowMs: number): Promise<NodeFacts> {
  const rows = await db.selectFrom("nodes").selectAll().where("id", "=", node).execute();
  const [view] = await viewsOf(db, rows, nowMs);
  if (view === undefined) throw unknownNode(node);
  return view;
}

/** @returns undefined for a node that is not there */
export async function presenceOf(db: Db, node: string, nowMs: number): Promise<NodePresence | undefined> {
  const row = await db.selectFrom("nodes").selectAll().where("id", "=", node).executeTakeFirst();
  if (row === undefined) return undefined;
  const devices = await db.selectFrom("device_state").selectAll().where("node", "=", node).execute();
  return presence(row, healthOf(row), devices, nowMs);
}

/** In the order of the rows. */
export async function viewsOf(db: Db, rows: readonly NodeRow[], nowMs: number): Promise<NodeFacts[]> {
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  const [totals, devices, faults] = await Promise.all([
    totalsOf(db, ids),
    db.selectFrom("device_state").selectAll().where("node", "in", ids).execute(),
    db
      .selectFrom("alarms")
      .select(["node", "device", "rule", "raised_at_ms", "body"])
      .where("node", "in", ids)
      .where("family", "=", "fault")
      .where("phase", "!=", "cleared")
      .where("superseded", "=", 0)
      .execute(),
  ]);
  const devicesBy = Map.groupBy(devices, ({ node }) => node);
  const faultsBy = Map.groupBy(faults, ({ node }) => node);
  return rows.map((row) => viewOf(row, healthOf(row)));

  function viewOf(row: NodeRow, health: HealthBody | undefined): NodeFacts {
    return {
      id: row.id,
      ...optional("siteId", row.site_id),
      ...optional("version", row.version),
      ...optional("configSha256", row.config_sha256),
      ...optional("timeQuality", row.time_quality),
      ...optional("pairedAtMs", row.paired_at_ms),
      ...optional("revokedAtMs", row.revoked_at_ms),
      ...positionOf(row),
      presence: presence(row, health, devicesBy.get(row.id) ?? [], nowMs),
      accounting: totals.get(row.id) ?? NOTHING_YET,
      ...optional("dayBytes", health?.dayBytes ?? null),
      ...optional("dailyBytes", health?.dailyBytes ?? null),
      ...optional("rttMs", health?.rttMs ?? null),
      ...ofHealth(health),
      faults: (faultsBy.get(row.id) ?? []).map((fault) => ({
        rule: fault.rule,
        ...(fault.device === "" ? {} : { device: fault.device }),
        sinceMs: fault.raised_at_ms,
        ...optional("detail", text(jsonObject(fault.body)["detail"])),
      })),
    };
  }
}

function presence(
  row: NodeRow,
  health: HealthBody | undefined,
  devices: readonly DeviceRow[],
  nowMs: number,
): NodePresence {
  return {
    transport: row.state_at_ms === null ? "never" : row.online === 1 ? "connected" : "disconnected",
    ...optional("heartbeatAgeMs", ageOf(row.health_at_ms, nowMs)),
    ...optional("parkedSinceMs", health?.parkedSinceMs ?? null),
    devices: devices
      .filter((device) => device.subject_type === "")
      .sort((a, b) => (a.device < b.device ? -1 : 1))
      .map((device) => {
        const body = jsonObject(device.body);
        return {
          device: device.device,
          ...optional("driver", device.driver),
          // Ingest wrote it from a body that its schema accepted.
          state: device.state as DeviceBody["state"],
          ...optional("freshnessMs", ageOf(device.last_reading_at_ms, nowMs)),
          ...optional("code", text(body["code"])),
          ...optional("message", text(body["message"])),
          ...optional("hint", text(body["hint"])),
        };
      }),
  };
}

function positionOf(row: NodeRow): Pick<NodeFacts, "position"> {
  if (row.latitude_deg === null || row.longitude_deg === null || row.position_at_ms === null) return {};
  return { position: { latitudeDeg: row.latitude_deg, longitudeDeg: row.longitude_deg, atMs: row.position_at_ms } };
}

function healthOf(row: NodeRow): HealthBody | undefined {
  const body: unknown = row.health === null ? undefined : JSON.parse(row.health);
  return checkedHealth.Check(body) ? body : undefined;
}

function ofHealth(body: HealthBody | undefined): Pick<NodeFacts, "unsentRecords" | "journal"> {
  if (body === undefined) return {};
  return {
    unsentRecords: body.unsentRecords,
    journal: {
      sizeBytes: body.journalBytes,
      laneDepth: body.laneDepth,
      ...optional("oldestUnsentMs", body.oldestUnsentMs ?? null),
      ...optional("hoursToFull", body.hoursToFull ?? null),
      ...optional("reserveHeld", body.reserveHeld ?? null),
      ...optional("full", body.journalFull ?? null),
      ...optional("alarmStoreFull", body.alarmStoreFull ?? null),
    },
  };
}

function ageOf(atMs: number | null, nowMs: number): number | null {
  return atMs === null ? null : Math.max(0, nowMs - atMs);
}

function jsonObject(json: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(json);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function optional<K extends string, T>(key: K, value: T | null): { [P in K]?: T } {
  return value === null ? {} : ({ [key]: value } as { [P in K]?: T });
}

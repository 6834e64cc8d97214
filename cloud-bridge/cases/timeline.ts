import type { Selectable } from "kysely";
import { chainedHash, firstHash } from "../evidence/timeline-chain.ts";
import type { Trx } from "../store/database.ts";
import type { TimelineTable } from "../store/desk-tables.ts";
import { prepared } from "../store/prepared.ts";

export type Channel = "system" | "console" | "crew-page" | "sensor" | "gps" | "radio" | "vehicle-page" | "api";

/** One thing that happened to a case. */
export interface NewEntry {
  readonly kind: string;
  /** An account's name, a node, or `system:<part>`. */
  readonly actor: string;
  readonly channel: Channel;
  /** Time on the actor's device, where it had one. */
  readonly deviceTimeMs?: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
  readonly cause?: string;
  readonly detail?: Record<string, unknown>;
}

export interface TimelineFacts extends NewEntry {
  readonly seq: number;
  readonly serverTimeMs: number;
  /** SHA-256 over the hash before it and the entry's canonical JSON. */
  readonly hash: string;
}

/** Appends to the case's chain, within the transaction that does what the entry says. */
export async function appendEntry(trx: Trx, caseId: string, entry: NewEntry, nowMs: number): Promise<TimelineFacts> {
  const [last] = (await lastEntry(trx, { caseId })).rows;
  const facts = { ...entry, seq: (last?.seq ?? 0) + 1, serverTimeMs: nowMs };
  const hash = chainedHash(last?.hash ?? firstHash(caseId), facts);
  await insertEntry(trx, {
    case_id: caseId,
    seq: facts.seq,
    kind: entry.kind,
    actor: entry.actor,
    channel: entry.channel,
    device_time_ms: entry.deviceTimeMs ?? null,
    server_time_ms: nowMs,
    latitude_deg: entry.position?.latitudeDeg ?? null,
    longitude_deg: entry.position?.longitudeDeg ?? null,
    accuracy_m: entry.position?.accuracyM ?? null,
    cause: entry.cause ?? null,
    detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
    hash,
  });
  return { ...facts, hash };
}

const lastEntry = prepared((db, { caseId }: { caseId: string }) =>
  db.selectFrom("timeline").select(["seq", "hash"]).where("case_id", "=", caseId).orderBy("seq", "desc").limit(1),
);

const insertEntry = prepared((db, row: Selectable<TimelineTable>) =>
  db.insertInto("timeline").values({
    case_id: row.case_id,
    seq: row.seq,
    kind: row.kind,
    actor: row.actor,
    channel: row.channel,
    device_time_ms: row.device_time_ms,
    server_time_ms: row.server_time_ms,
    latitude_deg: row.latitude_deg,
    longitude_deg: row.longitude_deg,
    accuracy_m: row.accuracy_m,
    cause: row.cause,
    detail: row.detail,
    hash: row.hash,
  }),
);

export async function readTimeline(trx: Trx, caseId: string): Promise<readonly TimelineFacts[]> {
  const rows = await trx.selectFrom("timeline").selectAll().where("case_id", "=", caseId).orderBy("seq").execute();
  return rows.map(entryOf);
}

const CHANNELS: readonly Channel[] = [
  "system",
  "console",
  "crew-page",
  "sensor",
  "gps",
  "radio",
  "vehicle-page",
  "api",
];

function entryOf(row: Selectable<TimelineTable>): TimelineFacts {
  const position =
    row.latitude_deg === null || row.longitude_deg === null
      ? undefined
      : {
          latitudeDeg: row.latitude_deg,
          longitudeDeg: row.longitude_deg,
          ...(row.accuracy_m === null ? {} : { accuracyM: row.accuracy_m }),
        };
  return {
    seq: row.seq,
    kind: row.kind,
    actor: row.actor,
    channel: CHANNELS.find((channel) => channel === row.channel) ?? "system",
    ...(row.device_time_ms === null ? {} : { deviceTimeMs: row.device_time_ms }),
    serverTimeMs: row.server_time_ms,
    ...(position === undefined ? {} : { position }),
    ...(row.cause === null ? {} : { cause: row.cause }),
    ...(row.detail === null ? {} : { detail: JSON.parse(row.detail) }),
    hash: row.hash,
  };
}

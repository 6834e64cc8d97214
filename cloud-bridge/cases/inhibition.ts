import { randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import { isStanding as isAlarmStanding } from "../alarms/faults.ts";
import type { InhibitionsTable } from "../store/casework-tables.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { type Change, note } from "./case-rows.ts";
import { given } from "./report-rows.ts";
import { setTimer } from "./timers.ts";

/** Work at a node, a device of it, or a site: shape of the API's InhibitionView. */
export interface InhibitionFacts {
  readonly id: string;
  readonly node?: string;
  readonly device?: string;
  readonly siteId?: string;
  readonly cause: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly endedAtMs?: number;
  readonly endedBy?: string;
}

export type NewInhibition = Pick<InhibitionFacts, "node" | "device" | "siteId" | "cause" | "fromMs" | "toMs">;

/** @throws BridgeError INHIBITION_EMPTY */
export async function addInhibition(
  change: Pick<Change, "trx" | "nowMs">,
  { node, device, siteId, cause, fromMs, toMs }: NewInhibition,
  by: string,
): Promise<InhibitionFacts> {
  const { trx, nowMs } = change;
  const hasPlace = node !== undefined || siteId !== undefined;
  if (!hasPlace || toMs <= fromMs || toMs <= nowMs) {
    throw new BridgeError("INHIBITION_EMPTY", "an inhibition needs a node or a site, and an end in the future", {
      status: 422,
      hint: "Give `node` (and `device`) or `siteId`, and `toMs` later than `fromMs` and now.",
    });
  }
  const row: Selectable<InhibitionsTable> = {
    id: randomUUID(),
    node: node ?? null,
    device: device ?? null,
    site_id: siteId ?? null,
    cause,
    from_ms: fromMs,
    to_ms: toMs,
    created_by: by,
    created_at_ms: nowMs,
    ended_at_ms: null,
    ended_by: null,
  };
  await trx.insertInto("inhibitions").values(row).execute();
  await setTimer(trx, "inhibition", row.id, fromMs, nowMs);
  return inhibitionFacts(row);
}

/** Newest first. */
export async function listInhibitions(db: Db | Trx): Promise<readonly InhibitionFacts[]> {
  const rows = await db.selectFrom("inhibitions").selectAll().orderBy("from_ms", "desc").limit(1000).execute();
  return rows.map(inhibitionFacts);
}

/** What inhibits an alarm now. An officer's emergency nothing does. */
export async function inhibitionOf(
  change: Change,
  alarm: AlarmRow,
): Promise<{ id: string; cause: string } | undefined> {
  if (alarm.family === "emergency") return undefined;
  const { trx, nowMs } = change;
  const rows = await trx
    .selectFrom("inhibitions")
    .selectAll()
    .where("from_ms", "<=", nowMs)
    .where("to_ms", ">", nowMs)
    .where("ended_at_ms", "is", null)
    .execute();
  const found = rows.find(
    ({ node, device, site_id }) =>
      (node === null || node === alarm.node) &&
      (device === null || device === alarm.device) &&
      (site_id === null || site_id === alarm.site_id),
  );
  return found === undefined ? undefined : { id: found.id, cause: found.cause };
}

/** Says that an alarm is one of those that nobody is sent for now. */
export async function noteInhibited(
  change: Change,
  caseId: string,
  alarm: AlarmRow,
  { id, cause }: { readonly id: string; readonly cause: string },
): Promise<void> {
  const detail = { inhibitionId: id, alarmId: alarm.alarm_id };
  await note(change, caseId, { kind: "inhibited", actor: "system:desk", channel: "system", cause, detail });
}

/** A device's fault says nothing new while its whole node is silent. */
export async function isNodeSilent({ trx }: Change, alarm: AlarmRow): Promise<boolean> {
  if (alarm.family !== "fault" || alarm.rule === "node-silent") return false;
  const found = await trx
    .selectFrom("alarms")
    .select("alarm_id")
    .where("node", "=", alarm.node)
    .where("rule", "=", "node-silent")
    .where(isAlarmStanding)
    .executeTakeFirst();
  return found !== undefined;
}

export function inhibitionFacts(row: Selectable<InhibitionsTable>): InhibitionFacts {
  return {
    id: row.id,
    ...given({
      node: row.node,
      device: row.device,
      siteId: row.site_id,
      endedAtMs: row.ended_at_ms,
      endedBy: row.ended_by,
    }),
    cause: row.cause,
    fromMs: row.from_ms,
    toMs: row.to_ms,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
  };
}

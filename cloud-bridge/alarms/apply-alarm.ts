import { siteOf } from "../fleet/site-of.ts";
import type { Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";
import { bodyOf, columnsOf, newRow, stateOf } from "./alarm-rows.ts";
import { type AlarmRevision, type RevisionOutcome, reduceRevision, type SettledSession, settle } from "./reduce.ts";

/**
 * Takes one revision within the transaction that stores its record: alarm and follow-up commit with it or not at all.
 * A revision that is older than what is known changes nothing.
 */
export async function applyAlarm(trx: Trx, revision: AlarmRevision, nowMs: number): Promise<RevisionOutcome> {
  const { alarmId } = revision.body;
  const [row] = (await alarmById(trx, { alarmId })).rows;
  const { state, outcome } = reduceRevision(row === undefined ? undefined : stateOf(row), revision);
  switch (outcome) {
    case "raised": {
      const siteId = await siteOf(trx, revision.node, revision.device, state.raisedAtMs);
      await trx
        .insertInto("alarms")
        .values(newRow(state, siteId, nowMs))
        .execute();
      break;
    }
    case "revised": {
      const columns = columnsOf(state, nowMs);
      // A raise that is known already keeps its date, whatever was done to the clock since.
      const isSameRaise = row !== undefined && bodyOf(row).raisedAtMs === revision.body.raisedAtMs;
      const raised = isSameRaise ? { raised_at_ms: Math.min(row.raised_at_ms, columns.raised_at_ms) } : {};
      await trx
        .updateTable("alarms")
        .set({ ...columns, ...raised })
        .where("alarm_id", "=", alarmId)
        .execute();
      break;
    }
    default:
      return outcome;
  }
  await oweFollowUp(trx, alarmId, nowMs);
  return outcome;
}

/**
 * Settles a node's alarms by the hello of the session that its retained `state` names, once nothing up to the hello's
 * heads is outstanding.
 * @returns how many alarms changed
 */
export async function settleAlarms(trx: Trx, node: string, session: SettledSession, nowMs: number): Promise<number> {
  const rows = await trx
    .selectFrom("alarms")
    .selectAll()
    .where("node", "=", node)
    .where((or) =>
      or.or([
        or.and([or("phase", "!=", "cleared"), or("superseded", "=", 0)]),
        ...(session.open.size === 0 ? [] : [or("alarm_id", "in", [...session.open])]),
      ]),
    )
    .execute();
  let changed = 0;
  for (const row of rows) {
    const settled = settle(stateOf(row), session);
    if (settled === undefined) continue;
    await trx.updateTable("alarms").set(columnsOf(settled, nowMs)).where("alarm_id", "=", row.alarm_id).execute();
    await oweFollowUp(trx, row.alarm_id, nowMs);
    changed += 1;
  }
  return changed;
}

/** One row per alarm for ever: the unique key, not this code, is what makes an alarm become one case. */
export async function oweFollowUp(trx: Trx, alarmId: string, nowMs: number): Promise<void> {
  await owe(trx, { alarmId, nowMs });
  await makePending(trx, { alarmId });
}

const alarmById = prepared((db, { alarmId }: { alarmId: string }) =>
  db.selectFrom("alarms").selectAll().where("alarm_id", "=", alarmId),
);

const owe = prepared((db, { alarmId, nowMs }: { alarmId: string; nowMs: number }) =>
  db
    .insertInto("follow_up")
    .values({ alarm_id: alarmId, created_at_ms: nowMs, case_id: null })
    .onConflict((conflict) => conflict.doNothing()),
);

const makePending = prepared((db, { alarmId }: { alarmId: string }) =>
  db.updateTable("follow_up").set({ pending: 1 }).where("alarm_id", "=", alarmId),
);

import type { Selectable } from "kysely";
import type { Change } from "../../cases/case-rows.ts";
import { traceOfCase } from "../../cases/case-trace.ts";
import type { AssignmentFacts, CaseFacts } from "../../cases/views.ts";
import type { Db, Trx } from "../../store/database.ts";
import type { OutboxTable } from "../../store/desk-tables.ts";
import type { DeskEvent } from "../events.ts";
import type { Notice, NotificationChannel, PlannedNotice } from "./channel.ts";

export type OutboxRow = Selectable<OutboxTable>;

/** Writes what each channel has to tell of these events, in the transaction that makes them. */
export async function planNotices(
  change: Change,
  events: readonly DeskEvent[],
  channels: readonly NotificationChannel[],
): Promise<void> {
  for (const event of channels.length === 0 ? [] : events) {
    const facts = JSON.parse(event.data) as { case?: CaseFacts; assignment?: AssignmentFacts };
    for (const channel of channels) {
      for (const notice of await channel.plan(change, { event, ...facts })) await post(change, channel.name, notice);
    }
  }
}

async function post(change: Change, channel: string, notice: PlannedNotice): Promise<void> {
  const { trx, nowMs } = change;
  const { reason, address, assignmentId, caseId, crewId, payload, supersedes } = notice;
  if (supersedes === true) {
    await trx
      .updateTable("outbox")
      .set({ cancelled_at_ms: nowMs })
      .where("channel", "=", channel)
      .where("assignment_id", "=", assignmentId)
      .where("delivered_at_ms", "is", null)
      .where("cancelled_at_ms", "is", null)
      .execute();
  }
  const planned = await trx
    .insertInto("outbox")
    .values({
      ...{ channel, reason, address, payload },
      ...{ assignment_id: assignmentId, case_id: caseId, crew_id: crewId, created_at_ms: nowMs, next_try_at_ms: nowMs },
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (planned === undefined) return;
  change.steps.push({ sentence: "notice planned", caseId, fields: { channel, notice: planned.id, reason } });
}

/** The newest word about this assignment that this channel was given, if any of it has gone out or will. */
export async function sentBefore(trx: Trx, channel: string, assignmentId: string): Promise<OutboxRow | undefined> {
  return trx
    .selectFrom("outbox")
    .selectAll()
    .where("channel", "=", channel)
    .where("assignment_id", "=", assignmentId)
    .where(({ eb, or }) => or([eb("attempts", ">", 0), eb("cancelled_at_ms", "is", null)]))
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** Why the crew's page is to call its crew: each of these is a call on other ways too. */
export async function pageReasons(trx: Trx, assignmentId: string): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom("outbox")
    .select("reason")
    .where("channel", "=", "crew-page")
    .where("assignment_id", "=", assignmentId)
    .where("cancelled_at_ms", "is", null)
    .where("delivered_at_ms", "is", null)
    .execute();
  return rows.map(({ reason }) => reason);
}

/** What may be attempted now, oldest first. */
export async function dueNotices(db: Db, nowMs: number, limit: number): Promise<readonly OutboxRow[]> {
  return db
    .selectFrom("outbox")
    .selectAll()
    .where("next_try_at_ms", "<=", nowMs)
    .where("delivered_at_ms", "is", null)
    .where("cancelled_at_ms", "is", null)
    .where("dead_at_ms", "is", null)
    .orderBy("next_try_at_ms")
    .orderBy("id")
    .limit(limit)
    .execute();
}

/** Takes one for an attempt by one conditional update: whoever comes second gets nothing, and a crash only its patience. */
export async function claim(db: Db, row: OutboxRow, patienceMs: number, nowMs: number): Promise<Notice | undefined> {
  const taken = await db
    .updateTable("outbox")
    .set({ attempts: row.attempts + 1, next_try_at_ms: nowMs + patienceMs })
    .where("id", "=", row.id)
    .where("attempts", "=", row.attempts)
    .where("next_try_at_ms", "=", row.next_try_at_ms)
    .where("delivered_at_ms", "is", null)
    .where("cancelled_at_ms", "is", null)
    .executeTakeFirst();
  if (taken.numUpdatedRows === 0n) return undefined;
  return {
    ...(row.case_id === "" ? {} : { trace: await traceOfCase(db, row.case_id) }),
    id: row.id,
    channel: row.channel,
    reason: row.reason,
    address: row.address ?? "",
    assignmentId: row.assignment_id,
    caseId: row.case_id,
    crewId: row.crew_id,
    payload: row.payload ?? "{}",
    createdAtMs: row.created_at_ms,
    attempts: row.attempts + 1,
  };
}

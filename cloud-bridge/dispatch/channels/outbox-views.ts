import { traceOfCase } from "../../cases/case-trace.ts";
import type { Scope } from "../../roster/scope.ts";
import type { Db } from "../../store/database.ts";
import { BridgeError } from "../../store/errors.ts";
import type { OutboxRow } from "./outbox-rows.ts";

/** `waiting`: to be told, or told and not proven · `delivered`: proven · `dead`: given up · `cancelled`: pointless by then. */
export const NOTICE_STATES = ["waiting", "delivered", "dead", "cancelled"] as const;
export type NoticeState = (typeof NOTICE_STATES)[number];

export interface NoticeFacts {
  readonly id: number;
  readonly channel: string;
  readonly state: NoticeState;
  readonly reason: string;
  readonly address?: string;
  readonly caseId: string;
  readonly trace?: string;
  readonly assignmentId?: string;
  readonly crewId?: string;
  readonly createdAtMs: number;
  readonly attempts: number;
  readonly nextTryAtMs?: number;
  /** Why the last attempt told nobody. */
  readonly lastError?: string;
  readonly deliveredAtMs?: number;
  /** Who, and how it is known. */
  readonly deliveredTo?: string;
  readonly commandId?: string;
}

export interface NoticeQuery {
  readonly state?: NoticeState;
  readonly channel?: string;
  readonly caseId?: string;
  readonly before?: number;
  readonly limit: number;
  readonly scope?: Pick<Scope, "isWhole" | "unitIds">;
}

/** Newest first. */
export async function listNotices(db: Db, query: NoticeQuery): Promise<readonly NoticeFacts[]> {
  const { state, channel, caseId, before, limit } = query;
  let rows = db.selectFrom("outbox").selectAll();
  if (query.scope !== undefined && !query.scope.isWhole) {
    const held = db
      .selectFrom("case_units")
      .select("case_id")
      .where("unit_id", "in", [...query.scope.unitIds, ""]);
    rows = rows.where("case_id", "in", held);
  }
  if (channel !== undefined) rows = rows.where("channel", "=", channel);
  if (caseId !== undefined) rows = rows.where("case_id", "=", caseId);
  if (before !== undefined) rows = rows.where("id", "<", before);
  if (state === "delivered") rows = rows.where("delivered_at_ms", "is not", null);
  if (state === "dead") rows = rows.where("dead_at_ms", "is not", null).where("delivered_at_ms", "is", null);
  if (state === "cancelled") {
    rows = rows.where("cancelled_at_ms", "is not", null).where("delivered_at_ms", "is", null);
  }
  if (state === "waiting") {
    rows = rows
      .where("delivered_at_ms", "is", null)
      .where("cancelled_at_ms", "is", null)
      .where("dead_at_ms", "is", null);
  }
  return withTraces(db, await rows.orderBy("id", "desc").limit(limit).execute());
}

/**
 * A dead one is attempted once more, at once.
 * @throws BridgeError NOTICE_UNKNOWN, NOTICE_NOT_DEAD
 */
export async function reviveNotice(db: Db, id: number, nowMs: number): Promise<NoticeFacts> {
  const revived = await db
    .updateTable("outbox")
    .set({ dead_at_ms: null, next_try_at_ms: nowMs, last_error: null, command_id: null })
    .where("id", "=", id)
    .where("dead_at_ms", "is not", null)
    .where("cancelled_at_ms", "is", null)
    .executeTakeFirst();
  const row = await db.selectFrom("outbox").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) {
    throw new BridgeError("NOTICE_UNKNOWN", `there is no notice ${id}`, {
      status: 404,
      hint: "GET /api/v1/notices lists them.",
    });
  }
  const [facts] = await withTraces(db, [row]);
  if (revived.numUpdatedRows > 0n && facts !== undefined) return facts;
  throw new BridgeError("NOTICE_NOT_DEAD", `notice ${id} is ${stateOf(row)}`, {
    status: 409,
    hint: "Only one that was given up is tried again by hand; the others see to themselves.",
  });
}

export interface Backlog {
  readonly channel: string;
  readonly waiting: number;
  readonly dead: number;
  readonly oldestWaitingAtMs?: number;
}

/** What is still to be told, by channel. */
export async function backlog(db: Db): Promise<readonly Backlog[]> {
  const rows = await db
    .selectFrom("outbox")
    .select(({ fn, eb }) => [
      "channel",
      fn.countAll<number>().filterWhere("dead_at_ms", "is", null).as("waiting"),
      fn.countAll<number>().filterWhere("dead_at_ms", "is not", null).as("dead"),
      fn.min(eb.case().when("dead_at_ms", "is", null).then(eb.ref("created_at_ms")).end()).as("oldest"),
    ])
    .where("delivered_at_ms", "is", null)
    .where("cancelled_at_ms", "is", null)
    .groupBy("channel")
    .orderBy("channel")
    .execute();
  return rows.map(({ channel, waiting, dead, oldest }) => ({
    ...{ channel, waiting: Number(waiting), dead: Number(dead) },
    ...(oldest === null ? {} : { oldestWaitingAtMs: Number(oldest) }),
  }));
}

async function withTraces(db: Db, rows: readonly OutboxRow[]): Promise<readonly NoticeFacts[]> {
  const traces = new Map<string, string>();
  for (const { case_id: caseId } of rows)
    if (caseId !== "" && !traces.has(caseId)) traces.set(caseId, await traceOfCase(db, caseId));
  return rows.map((row) => {
    const trace = traces.get(row.case_id);
    return { ...factsOf(row), ...(trace === undefined ? {} : { trace }) };
  });
}

function stateOf(row: OutboxRow): NoticeState {
  if (row.delivered_at_ms !== null) return "delivered";
  if (row.cancelled_at_ms !== null) return "cancelled";
  return row.dead_at_ms === null ? "waiting" : "dead";
}

function factsOf(row: OutboxRow): NoticeFacts {
  const state = stateOf(row);
  return {
    ...{ id: row.id, channel: row.channel, state, reason: row.reason, caseId: row.case_id },
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.assignment_id === "" ? {} : { assignmentId: row.assignment_id }),
    ...(row.crew_id === "" ? {} : { crewId: row.crew_id }),
    ...{ createdAtMs: row.created_at_ms, attempts: row.attempts },
    ...(row.next_try_at_ms === null || state !== "waiting" ? {} : { nextTryAtMs: row.next_try_at_ms }),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...(row.delivered_at_ms === null ? {} : { deliveredAtMs: row.delivered_at_ms }),
    ...(row.delivered_to === null ? {} : { deliveredTo: row.delivered_to }),
    ...(row.command_id === null ? {} : { commandId: row.command_id }),
  };
}

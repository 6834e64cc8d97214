import type { Selectable, Updateable } from "kysely";
import type { FlagFacts } from "../roster/supervision.ts";
import type { Trx } from "../store/database.ts";
import type { CasesTable } from "../store/desk-tables.ts";
import { BridgeError } from "../store/errors.ts";
import { prepared } from "../store/prepared.ts";
import type { TraceStep } from "./case-trace.ts";
import { answerReports, withdrawAnswers } from "./report-rows.ts";
import { type CaseMove, type CaseStateName, isEnded, nextState, stateNamed } from "./states.ts";
import { appendEntry, type NewEntry, type TimelineFacts } from "./timeline.ts";
import { cancelTimer } from "./timers.ts";

export type CaseRow = Selectable<CasesTable>;

/** One transaction of the desk, and what it touched: each touched case and assignment becomes an event of the same commit. */
export interface Change {
  readonly trx: Trx;
  readonly nowMs: number;
  /** Touched cases, with their new entries. */
  readonly cases: Map<string, TimelineFacts[]>;
  readonly assignments: Set<string>;
  /** Supervision that began or ended. */
  readonly flags: FlagFacts[];
  /** What the log is to say once this is committed. */
  readonly steps: TraceStep[];
}

/** @throws BridgeError CASE_UNKNOWN */
export async function loadCase(trx: Trx, caseId: string): Promise<CaseRow> {
  const [row] = (await caseById(trx, { caseId })).rows;
  if (row !== undefined) return row;
  throw new BridgeError("CASE_UNKNOWN", `there is no case ${caseId}`, {
    status: 404,
    hint: "GET /api/v1/cases lists them.",
  });
}

const caseById = prepared((db, { caseId }: { caseId: string }) =>
  db.selectFrom("cases").selectAll().where("id", "=", caseId),
);

/** Makes the case part of what this change tells the world. */
export function touch(change: Change, caseId: string): TimelineFacts[] {
  const entries = change.cases.get(caseId) ?? [];
  change.cases.set(caseId, entries);
  return entries;
}

/** Appends to the case's timeline. */
export async function note(change: Change, caseId: string, entry: NewEntry): Promise<void> {
  touch(change, caseId).push(await appendEntry(change.trx, caseId, entry, change.nowMs));
}

/** Changes facts of a case that are no state. */
export async function amend(change: Change, row: CaseRow, set: Updateable<CasesTable>): Promise<CaseRow> {
  const columns = { ...set, updated_at_ms: change.nowMs };
  await change.trx.updateTable("cases").set(columns).where("id", "=", row.id).execute();
  touch(change, row.id);
  return { ...row, ...columns } as CaseRow;
}

/**
 * Moves a case along the machine of states.ts and says so in its timeline.
 * @throws BridgeError CASE_MOVE when the machine does not know the move here
 */
export async function move(
  change: Change,
  row: CaseRow,
  by: CaseMove,
  entry: NewEntry,
  set: Updateable<CasesTable> = {},
): Promise<CaseRow> {
  const from = stateNamed(row.state);
  const to = nextState(from, by);
  if (to === undefined) {
    throw new BridgeError("CASE_MOVE", `case ${row.number} is ${from}: ${by} is not possible now`, {
      status: 409,
      hint: "Somebody else may have acted in the meantime: load the case again.",
    });
  }
  const { trx, nowMs } = change;
  const anew = by === "reopen" ? { ...NO_CLOCKS, merged_into: null, reopen_count: row.reopen_count + 1 } : {};
  const columns = { ...anew, ...set, state: to, closed_at_ms: isEnded(to) ? nowMs : null };
  const moved = await amend(change, row, columns);
  await note(change, row.id, { ...entry, detail: { ...entry.detail, from, to } });
  if (to === "on-scene") await cancelTimer(trx, "arrive", row.id, nowMs);
  if (isEnded(to)) {
    for (const kind of ["arrive", "total", "resume"] as const) await cancelTimer(trx, kind, row.id, nowMs);
    // Those of a merged case wait for the end of the one that goes on.
    if (to !== "merged") await answerReports(trx, moved, to, nowMs);
  } else if (isEnded(from)) await withdrawAnswers(trx, row.id);
  return moved;
}

/** A case that is opened again runs against its class from then on. */
const NO_CLOCKS = { due_arrive_at_ms: null, due_total_at_ms: null, clock_paused_at_ms: null, escalated_to: null };

export function stateOfCase(row: CaseRow): CaseStateName {
  return stateNamed(row.state);
}

export function positionOf(row: Pick<CaseRow, "latitude_deg" | "longitude_deg">) {
  return row.latitude_deg === null || row.longitude_deg === null
    ? undefined
    : { latitudeDeg: row.latitude_deg, longitudeDeg: row.longitude_deg };
}

/** Names of the accounts and crews that worked on the case: none of them may be the one that closes it. */
export function handlersOf(row: Pick<CaseRow, "handlers">): readonly string[] {
  const names: unknown = JSON.parse(row.handlers);
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

export async function addHandler(change: Change, row: CaseRow, name: string): Promise<CaseRow> {
  const names = handlersOf(row);
  return names.includes(name) ? row : await amend(change, row, { handlers: JSON.stringify([...names, name]) });
}

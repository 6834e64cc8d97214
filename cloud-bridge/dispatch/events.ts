import type { Change } from "../cases/case-rows.ts";
import { loadCase } from "../cases/case-rows.ts";
import { assignmentsOf, caseFacts } from "../cases/views.ts";
import type { Db } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";

/** One numbered event of `/api/v1/events`; `data` is JSON. */
export interface DeskEvent {
  readonly id: number;
  readonly name: "case" | "assignment" | "supervision";
  readonly data: string;
  /** For routing: whose work it is. */
  readonly caseId?: string;
  readonly assignmentId?: string;
  readonly crewId?: string;
}

/**
 * Writes the events of everything that a change touched, in its own transaction. Transactions are serial, so that the
 * numbers rise in the order of the commits and none is skipped.
 */
export async function writeEvents(change: Change): Promise<readonly DeskEvent[]> {
  const events: DeskEvent[] = [];
  const views = new Map<string, Awaited<ReturnType<typeof caseFacts>>>();
  const viewOf = async (caseId: string) => {
    const known = views.get(caseId) ?? (await caseFacts(change.trx, await loadCase(change.trx, caseId)));
    views.set(caseId, known);
    return known;
  };
  for (const [caseId, entries] of change.cases) {
    const view = await viewOf(caseId);
    for (const facts of entries.length === 0 ? [{}] : entries.map((entry) => ({ entry }))) {
      const data = JSON.stringify({ case: view, ...facts });
      events.push({ id: await insert(change, "case", data), name: "case", data, caseId });
    }
  }
  for (const id of change.assignments) {
    const [assignment] = await assignmentsOf(change.trx, { id });
    if (assignment === undefined) continue;
    const { caseId, crewId } = assignment;
    const data = JSON.stringify({ assignment, case: await viewOf(caseId) });
    events.push({
      id: await insert(change, "assignment", data),
      name: "assignment",
      data,
      caseId,
      assignmentId: id,
      crewId,
    });
  }
  for (const flag of change.flags) {
    const crew = await change.trx
      .selectFrom("crews")
      .select(["name", "unit_id"])
      .where("id", "=", flag.crewId)
      .executeTakeFirst();
    const data = JSON.stringify({ flag, crewName: crew?.name ?? flag.crewId, unitId: crew?.unit_id ?? "" });
    events.push({ id: await insert(change, "supervision", data), name: "supervision", data, crewId: flag.crewId });
  }
  return events;
}

async function insert(change: Change, name: string, data: string): Promise<number> {
  const [inserted] = (await insertEvent(change.trx, { name, data, nowMs: change.nowMs })).rows;
  if (inserted === undefined) throw new Error("an event got no number");
  return inserted.id;
}

const insertEvent = prepared((db, { name, data, nowMs }: { name: string; data: string; nowMs: number }) =>
  db.insertInto("events").values({ name, data, at_ms: nowMs }).returning("id"),
);

/** @returns what followed that number, oldest first; `isWhole` is false when older ones have been dropped meanwhile */
export async function eventsSince(
  db: Db,
  id: number,
  limit = 1000,
): Promise<{ readonly events: readonly DeskEvent[]; readonly isWhole: boolean }> {
  const rows = await db.selectFrom("events").selectAll().where("id", ">", id).orderBy("id").limit(limit).execute();
  const events = rows.map((row) => ({ id: row.id, ...eventOf(row.name, row.data) }));
  return { events, isWhole: rows[0] === undefined || rows[0].id === id + 1 };
}

function eventOf(name: string, data: string): Omit<DeskEvent, "id"> {
  if (name === "supervision") {
    const { flag } = JSON.parse(data) as { flag: { crewId: string } };
    return { name, data, crewId: flag.crewId };
  }
  const facts = JSON.parse(data) as { case: { id: string }; assignment?: { id: string; crewId: string } };
  const caseId = facts.case.id;
  if (name !== "assignment" || facts.assignment === undefined) return { name: "case", data, caseId };
  return { name: "assignment", data, caseId, assignmentId: facts.assignment.id, crewId: facts.assignment.crewId };
}

/** Number of the newest event: where a new stream begins. */
export async function newestEvent(db: Db): Promise<number> {
  const row = await db.selectFrom("events").select("id").orderBy("id", "desc").limit(1).executeTakeFirst();
  return row?.id ?? 0;
}

import { randomUUID } from "node:crypto";
import { type Selectable, sql, type Updateable } from "kysely";
import { unknownCrew } from "../roster/crews.ts";
import type { AssignmentsTable } from "../store/desk-tables.ts";
import { BridgeError } from "../store/errors.ts";
import { type CaseRow, type Change, move, note } from "./case-rows.ts";
import { joinCrewUnit } from "./case-units.ts";
import type { CaseMove } from "./states.ts";
import type { Channel, NewEntry } from "./timeline.ts";
import { cancelTimer, setTimer } from "./timers.ts";

export type AssignmentRow = Selectable<AssignmentsTable>;

/** Literal, so that the index of active legs serves it. */
export const isActive = sql<boolean>`active = 1`;

/** The leg that moves the case. */
export async function activeAssignment(change: Change, caseId: string): Promise<AssignmentRow | undefined> {
  return (await activeAssignments(change, caseId)).find(({ role }) => role === "lead");
}

/** Every crew that is on the case, back-up among them. */
export async function activeAssignments(change: Change, caseId: string): Promise<readonly AssignmentRow[]> {
  return change.trx
    .selectFrom("assignments")
    .selectAll()
    .where("case_id", "=", caseId)
    .where(isActive)
    .orderBy("created_at_ms")
    .orderBy("id")
    .execute();
}

export async function setAssignment(
  change: Change,
  row: AssignmentRow,
  set: Updateable<AssignmentsTable>,
): Promise<AssignmentRow> {
  await change.trx.updateTable("assignments").set(set).where("id", "=", row.id).execute();
  change.assignments.add(row.id);
  return { ...row, ...set } as AssignmentRow;
}

export interface NewAssignment {
  readonly crewId: string;
  /** Account or `system:dispatch`. */
  readonly by: string;
  readonly channel: Channel;
  readonly cause: string;
  readonly distanceM?: number | undefined;
  readonly etaMs?: number | undefined;
  /** Within this the crew must answer. */
  readonly acknowledgeMs: number;
  /** The desk sends it beside the urgent case that it has. */
  readonly evenIfBusy?: boolean | undefined;
}

/**
 * Sends one crew. To an urgent case it is taken by one conditional update, so that of two desks one gets it and the other
 * is told. What is not urgent a crew may have beside others.
 * @throws BridgeError CASE_HAS_CREW, CREW_BUSY, CREW_UNKNOWN, CASE_MOVE
 */
export async function assignCrew(change: Change, row: CaseRow, order: NewAssignment): Promise<CaseRow> {
  const { trx, nowMs } = change;
  if ((await activeAssignment(change, row.id)) !== undefined) {
    throw new BridgeError("CASE_HAS_CREW", `a crew is already on case ${row.number}`, {
      status: 409,
      hint: "Withdraw it first, or leave the case to it.",
    });
  }
  for (const kind of ["propose", "dispatch"] as const) await cancelTimer(trx, kind, row.id, nowMs);
  const standing = (await activeAssignments(change, row.id)).find(({ crew_id }) => crew_id === order.crewId);
  const id = standing?.id ?? (await proposalOrNew(change, row.id, order.crewId));
  const detail = { assignmentId: id, crewId: order.crewId };
  const entry = { kind: "assigned", actor: order.by, channel: order.channel, cause: order.cause, detail };
  if (standing !== undefined) return giveLead(change, row, standing, entry);
  await openLeg(change, row, id, order, "lead");
  return move(change, row, "assign", entry, { auto_dispatch_at_ms: null });
}

/** How far a leg brings the case that it leads. */
const REACHED: Readonly<Record<string, CaseMove>> = {
  acknowledged: "acknowledge",
  "en-route": "set-out",
  "on-scene": "arrive",
};

/** A crew that is on the case already leads it from now on: the case stands where that crew stands. */
export async function giveLead(change: Change, row: CaseRow, leg: AssignmentRow, entry: NewEntry): Promise<CaseRow> {
  await setAssignment(change, leg, { role: "lead" });
  const led = await move(change, row, "assign", entry, { auto_dispatch_at_ms: null });
  const reached = REACHED[leg.state];
  return reached === undefined ? led : move(change, led, reached, entry);
}

/**
 * Sends one more crew to a case that has one; the case goes by the first.
 * @throws BridgeError CASE_NO_CREW, CASE_HAS_CREW, CREW_BUSY, CREW_UNKNOWN
 */
export async function sendBackUp(change: Change, row: CaseRow, order: NewAssignment): Promise<void> {
  const legs = await activeAssignments(change, row.id);
  if (!legs.some(({ role }) => role === "lead")) {
    throw new BridgeError("CASE_NO_CREW", `no crew is on case ${row.number} that could be backed up`, {
      status: 409,
      hint: "Assign a crew first.",
    });
  }
  if (legs.some(({ crew_id }) => crew_id === order.crewId)) {
    throw new BridgeError("CASE_HAS_CREW", `this crew is on case ${row.number} already`, {
      status: 409,
      hint: "Choose another one.",
    });
  }
  const id = randomUUID();
  await openLeg(change, row, id, order, "back-up");
  const detail = { assignmentId: id, crewId: order.crewId };
  const { by: actor, channel, cause } = order;
  await note(change, row.id, { kind: "back-up", actor, channel, cause, detail });
}

async function openLeg(
  change: Change,
  row: CaseRow,
  id: string,
  order: NewAssignment,
  role: "lead" | "back-up",
): Promise<void> {
  const { trx, nowMs } = change;
  const { crewId } = order;
  const isUrgent = row.severity === "urgent";
  const holds = isUrgent && (order.evenIfBusy === true ? await isTaken(change, crewId, id) : true);
  if (isUrgent && order.evenIfBusy !== true) await takeCrew(change, crewId, id);
  else if ((await crewNamed(change, crewId)) === undefined) throw unknownCrew(crewId);
  const facts = {
    state: "assigned",
    active: 1,
    role,
    holds: holds ? 1 : 0,
    assigned_at_ms: nowMs,
    assigned_by: order.by,
    distance_m: order.distanceM ?? null,
    eta_ms: order.etaMs ?? null,
  };
  await trx
    .insertInto("assignments")
    .values({ id, case_id: row.id, crew_id: crewId, created_at_ms: nowMs, ...facts })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(facts))
    .execute();
  change.assignments.add(id);
  const step = { case: row.number, assignmentId: id, crewId, by: order.by };
  change.steps.push({ sentence: "crew assigned", caseId: row.id, fields: step });
  await joinCrewUnit(change, row.id, crewId);
  await notify(change, row.id, id, crewId);
  await setTimer(trx, "acknowledge", id, nowMs + order.acknowledgeMs, nowMs);
}

/** Notes the best crew as proposed; a proposal binds nobody. @returns whether that is news */
export async function propose(
  change: Change,
  caseId: string,
  best: { crewId: string; distanceM?: number | undefined; etaMs?: number | undefined } | undefined,
): Promise<boolean> {
  const standing = await proposal(change, caseId);
  if (standing?.crew_id === best?.crewId) return false;
  if (standing !== undefined) await setAssignment(change, standing, { state: "withdrawn", ended_at_ms: change.nowMs });
  if (best === undefined) return true;
  const id = randomUUID();
  const { nowMs } = change;
  await change.trx
    .insertInto("assignments")
    .values({
      id,
      case_id: caseId,
      crew_id: best.crewId,
      state: "proposed",
      active: 0,
      distance_m: best.distanceM ?? null,
      eta_ms: best.etaMs ?? null,
      created_at_ms: nowMs,
      assigned_at_ms: nowMs,
      assigned_by: "system:dispatch",
    })
    .execute();
  change.assignments.add(id);
  return true;
}

/** Frees the crew and ends its leg. */
export async function endAssignment(
  change: Change,
  row: AssignmentRow,
  cause: "done" | "declined" | "no-answer" | "withdrawn",
): Promise<void> {
  const { trx, nowMs } = change;
  const state = cause === "no-answer" ? "withdrawn" : cause;
  await setAssignment(change, row, { state, active: 0, ended_at_ms: nowMs, end_cause: cause });
  await trx
    .updateTable("crews")
    .set({ assignment_id: null })
    .where("id", "=", row.crew_id)
    .where("assignment_id", "=", row.id)
    .execute();
  if (row.holds === 1) await holdNext(change, row.crew_id);
  await cancelTimer(trx, "acknowledge", row.id, nowMs);
  await trx
    .updateTable("outbox")
    .set({ cancelled_at_ms: nowMs })
    .where("assignment_id", "=", row.id)
    .where("delivered_at_ms", "is", null)
    .execute();
}

/** The desk had given the crew another urgent case: that one holds it now. */
async function holdNext(change: Change, crewId: string): Promise<void> {
  const next = await change.trx
    .selectFrom("assignments")
    .innerJoin("cases", "cases.id", "assignments.case_id")
    .selectAll("assignments")
    .where("assignments.crew_id", "=", crewId)
    .where("assignments.active", "=", 1)
    .where("cases.severity", "=", "urgent")
    .orderBy("assignments.created_at_ms")
    .orderBy("assignments.id")
    .executeTakeFirst();
  if (next !== undefined && (await isTaken(change, crewId, next.id))) await setAssignment(change, next, { holds: 1 });
}

/**
 * Puts the crew that resolved the case back on it, if it is still free. It must be told anew: until that is proven, or it
 * acts, the timer runs that sends the next.
 */
export async function reactivateLast(
  change: Change,
  caseId: string,
  acknowledgeMs: number,
): Promise<{ readonly id: string; readonly crewId: string } | undefined> {
  const last = await change.trx
    .selectFrom("assignments")
    .selectAll()
    .where("case_id", "=", caseId)
    .where("state", "=", "done")
    .where("role", "=", "lead")
    .orderBy("ended_at_ms", "desc")
    .executeTakeFirst();
  if (last === undefined) return undefined;
  const isFree =
    last.holds === 1
      ? await isTaken(change, last.crew_id, last.id)
      : (await crewNamed(change, last.crew_id))?.assignment_id === null;
  if (!isFree) return undefined;
  const anew = { notified_at_ms: null, ended_at_ms: null, end_cause: null };
  await setAssignment(change, last, { state: "on-scene", active: 1, ...anew });
  await setTimer(change.trx, "acknowledge", last.id, change.nowMs + acknowledgeMs, change.nowMs);
  return { id: last.id, crewId: last.crew_id };
}

/** Row of the outbox; its delivery is proven by whoever delivered it. */
export async function notify(
  change: Change,
  caseId: string,
  assignmentId: string,
  crewId: string,
  reason: "assigned" | "brought-back" = "assigned",
): Promise<void> {
  await change.trx
    .insertInto("outbox")
    .values({
      channel: "crew-page",
      reason: reason === "assigned" ? reason : `${reason}:${change.nowMs}`,
      crew_id: crewId,
      assignment_id: assignmentId,
      case_id: caseId,
      created_at_ms: change.nowMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function proposal(change: Change, caseId: string): Promise<AssignmentRow | undefined> {
  return change.trx
    .selectFrom("assignments")
    .selectAll()
    .where("case_id", "=", caseId)
    .where("state", "=", "proposed")
    .executeTakeFirst();
}

async function proposalOrNew(change: Change, caseId: string, crewId: string): Promise<string> {
  const standing = await proposal(change, caseId);
  if (standing === undefined) return randomUUID();
  if (standing.crew_id === crewId) return standing.id;
  await setAssignment(change, standing, { state: "withdrawn", ended_at_ms: change.nowMs });
  return randomUUID();
}

async function takeCrew(change: Change, crewId: string, assignmentId: string): Promise<void> {
  if (await isTaken(change, crewId, assignmentId)) return;
  const crew = await crewNamed(change, crewId);
  if (crew === undefined) throw unknownCrew(crewId);
  throw new BridgeError("CREW_BUSY", `${crew.name} is on another case`, {
    status: 409,
    hint: "Choose another one, or say that it shall have both (`evenIfBusy`).",
  });
}

function crewNamed({ trx }: Change, crewId: string) {
  return trx.selectFrom("crews").select(["name", "assignment_id"]).where("id", "=", crewId).executeTakeFirst();
}

async function isTaken(change: Change, crewId: string, assignmentId: string): Promise<boolean> {
  const taken = await change.trx
    .updateTable("crews")
    .set({ assignment_id: assignmentId })
    .where("id", "=", crewId)
    .where("assignment_id", "is", null)
    .executeTakeFirst();
  return taken.numUpdatedRows > 0n;
}

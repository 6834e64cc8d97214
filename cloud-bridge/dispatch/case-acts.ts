import { activeAssignment, assignCrew, endAssignment } from "../cases/assignment-rows.ts";
import {
  addHandler,
  type CaseRow,
  type Change,
  handlersOf,
  loadCase,
  move,
  note,
  stateOfCase,
} from "../cases/case-rows.ts";
import { cancelDispatch, planDispatch } from "../cases/plan-dispatch.ts";
import { type DeskSettings, scaledMs } from "../cases/settings.ts";
import { anyStanding } from "../cases/standing.ts";
import { isEnded } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { setTimer } from "../cases/timers.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { actOnFields, type FieldActRequest, isFieldAct } from "./field-acts.ts";
import { resumeCase } from "./resume-case.ts";
import { lookForCrews } from "./send-crew.ts";

/** What a dispatcher or supervisor may do; the shape is that of the API's CaseAct. */
export type CaseActRequest =
  | { readonly act: "assign"; readonly crewId: string }
  | {
      readonly act: "withdraw" | "note" | "false-alarm" | "close-unverified" | "close-event" | "reopen";
      readonly cause: string;
    }
  | { readonly act: "suspend"; readonly cause: string; readonly untilMs: number }
  | { readonly act: "resume" }
  | FieldActRequest;

/** @throws BridgeError CASE_UNKNOWN, CASE_MOVE, CASE_HAS_CREW, CREW_BUSY, CREW_UNKNOWN, CASE_NO_CREW, CLOSER_IS_HANDLER, … */
export async function actOnCase(
  change: Change,
  actor: Actor,
  caseId: string,
  request: CaseActRequest,
  settings: DeskSettings,
): Promise<void> {
  const row = await loadCase(change.trx, caseId);
  if (isFieldAct(request)) return actOnFields(change, actor, row, request, settings);
  const entry = entryOf(actor, request);
  switch (request.act) {
    case "assign":
      await assign(change, row, actor, request.crewId, settings);
      break;
    case "withdraw":
      await withdraw(change, row, entry);
      break;
    case "note":
      await note(change, row.id, entry);
      break;
    case "suspend":
      await suspend(change, row, entry, request.untilMs);
      break;
    case "resume":
      await resumeCase(change, row, entry, settings);
      break;
    case "false-alarm":
      await end(change, row, "false-alarm", actor, entry);
      break;
    case "close-unverified":
      await end(change, row, "close-unverified", actor, entry);
      break;
    case "close-event":
      await closeEvent(change, row, actor, entry);
      break;
    case "reopen":
      await planDispatch(change, await move(change, row, "reopen", entry, { late: 0 }), settings);
      break;
  }
}

function entryOf(actor: Actor, request: Exclude<CaseActRequest, FieldActRequest>): NewEntry {
  const cause = "cause" in request ? { cause: request.cause } : {};
  return { kind: request.act, actor: actor.name, channel: "console", ...cause };
}

async function assign(
  change: Change,
  row: CaseRow,
  actor: Actor,
  crewId: string,
  settings: DeskSettings,
): Promise<void> {
  const waiting = await takeBack(change, row, actor);
  const looked = (await lookForCrews(change, waiting, settings)).find((candidate) => candidate.crewId === crewId);
  await assignCrew(change, waiting, {
    crewId,
    by: actor.name,
    channel: "console",
    cause: looked?.reasons.join(", ") ?? "chosen by the desk",
    distanceM: looked?.distanceM,
    etaMs: looked?.etaMs,
    acknowledgeMs: scaledMs(settings, settings.acknowledgeMs),
  });
}

/** A crew called it resolved while an alarm of it stands: the desk may send somebody again without waiting for quiet. */
async function takeBack(change: Change, row: CaseRow, actor: Actor): Promise<CaseRow> {
  const isResolved = row.state === "resolved" || row.state === "verifying";
  if (!isResolved || !(await anyStanding(change, row.id))) return row;
  const cause = "the alarm still stands";
  const entry: NewEntry = { kind: "sent-again", actor: actor.name, channel: "console", cause };
  return move(change, row, "release", entry, { waiting_for: "[]" });
}

/** The desk takes the crew off; the next word is the desk's, nothing is sent by itself. */
async function withdraw(change: Change, row: CaseRow, entry: NewEntry): Promise<void> {
  const leg = await activeAssignment(change, row.id);
  if (leg === undefined) {
    throw new BridgeError("CASE_NO_CREW", `no crew is on case ${row.number}`, {
      status: 409,
      hint: "It may have declined or finished in the meantime: load the case again.",
    });
  }
  await endAssignment(change, leg, "withdrawn");
  await move(change, row, "release", { ...entry, detail: { assignmentId: leg.id, crewId: leg.crew_id } });
}

async function suspend(change: Change, row: CaseRow, entry: NewEntry, untilMs: number): Promise<void> {
  if (untilMs <= change.nowMs) {
    throw new BridgeError("SUSPEND_PAST", "a suspension must end in the future", {
      status: 422,
      hint: "Give `untilMs` as UTC in milliseconds, later than now.",
    });
  }
  await freeCrew(change, row.id);
  await setTimer(change.trx, "resume", row.id, untilMs, change.nowMs);
  const set = { before_suspend: row.state, suspended_until_ms: untilMs, auto_dispatch_at_ms: null, waiting_for: "[]" };
  await move(change, row, "suspend", { ...entry, detail: { untilMs } }, set);
}

async function closeEvent(change: Change, row: CaseRow, actor: Actor, entry: NewEntry): Promise<void> {
  if (row.nature !== "event") {
    throw new BridgeError("CASE_NOT_EVENT", `case ${row.number} is a condition: its sensors close it`, {
      status: 409,
      hint: "Wait for the sensors, or close it as unverified with a reason.",
    });
  }
  await end(change, row, "close", actor, entry);
}

/** Who worked on a case does not close it. */
async function end(
  change: Change,
  row: CaseRow,
  by: "false-alarm" | "close-unverified" | "close",
  actor: Actor,
  entry: NewEntry,
): Promise<void> {
  const handlers = handlersOf(row);
  if (handlers.includes(actor.name) || (actor.crewId !== undefined && handlers.includes(`crew:${actor.crewId}`))) {
    throw new BridgeError("CLOSER_IS_HANDLER", `${actor.name} worked on case ${row.number} and cannot close it`, {
      status: 403,
      hint: "Somebody who did not handle the case must close it.",
    });
  }
  await freeCrew(change, row.id);
  await move(change, row, by, entry, { waiting_for: "[]", auto_dispatch_at_ms: null });
}

async function freeCrew(change: Change, caseId: string): Promise<void> {
  await cancelDispatch(change, caseId);
  const leg = await activeAssignment(change, caseId);
  if (leg !== undefined) await endAssignment(change, leg, "withdrawn");
}

/** A crew, and the account that acted for it, are handlers of the case from now on. */
export async function noteHandler(change: Change, row: CaseRow, actor: Actor, crewId: string): Promise<CaseRow> {
  if (isEnded(stateOfCase(row))) return row;
  return addHandler(change, await addHandler(change, row, `crew:${crewId}`), actor.name);
}

import {
  type AssignmentRow,
  activeAssignment,
  activeAssignments,
  assignCrew,
  endAssignment,
  type NewAssignment,
  sendBackUp,
} from "../cases/assignment-rows.ts";
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
import { pausesClock } from "../cases/catalogue.ts";
import { catalogueInForce } from "../cases/catalogue-rows.ts";
import { pauseClocks } from "../cases/clocks.ts";
import { openParts } from "../cases/open-parts.ts";
import { cancelDispatch, planDispatch } from "../cases/plan-dispatch.ts";
import { type DeskSettings, scaledMs } from "../cases/settings.ts";
import { anyStanding } from "../cases/standing.ts";
import { isEnded } from "../cases/states.ts";
import { release } from "../cases/take-over.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { setTimer } from "../cases/timers.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { type ChildRequest, openChild } from "./child-cases.ts";
import { actOnFields, type FieldActRequest, isFieldAct } from "./field-acts.ts";
import { mergeCase, takeBackMerged } from "./merge.ts";
import { notOfCase } from "./named-evidence.ts";
import { resumeCase } from "./resume-case.ts";
import { lookForCrews } from "./send-crew.ts";
import { withdrawWhistles } from "./whistles.ts";

/** What a dispatcher or supervisor may do; the shape is that of the API's CaseAct. */
export type CaseActRequest =
  | { readonly act: "assign" | "back-up"; readonly crewId: string; readonly evenIfBusy?: boolean }
  | { readonly act: "reassign"; readonly crewId: string; readonly cause: string; readonly evenIfBusy?: boolean }
  | { readonly act: "withdraw" | "note" | "false-alarm" | "close-unverified" | "reopen"; readonly cause: string }
  | { readonly act: "close-event"; readonly cause: string; readonly evidence?: readonly string[] }
  | { readonly act: "suspend"; readonly cause: string; readonly untilMs: number; readonly reason?: string }
  | { readonly act: "merge"; readonly into: string; readonly cause: string }
  | ({ readonly act: "open-child" } & ChildRequest)
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
      await assign(change, row, actor, request, settings);
      break;
    case "back-up":
      await sendBackUp(change, row, await orderFor(change, row, actor, request, settings));
      break;
    case "reassign":
      await reassign(change, row, actor, request, entry, settings);
      break;
    case "withdraw":
      await withdraw(change, row, entry);
      break;
    case "note":
      await note(change, row.id, entry);
      break;
    case "suspend":
      await suspend(change, row, entry, request);
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
      await closeEvent(change, row, actor, request.evidence ?? [], entry);
      break;
    case "merge":
      await mergeCase(change, actor, row, request, settings);
      break;
    case "open-child":
      await openChild(change, actor, row, request, settings);
      break;
    case "reopen":
      if (row.state === "merged") await takeBackMerged(change, row, actor);
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
  chosen: ChosenCrew,
  settings: DeskSettings,
): Promise<void> {
  const waiting = await takeBack(change, row, actor);
  await assignCrew(change, waiting, await orderFor(change, waiting, actor, chosen, settings));
}

interface ChosenCrew {
  readonly crewId: string;
  readonly evenIfBusy?: boolean;
}

async function orderFor(
  change: Change,
  row: CaseRow,
  actor: Actor,
  { crewId, evenIfBusy }: ChosenCrew,
  settings: DeskSettings,
): Promise<NewAssignment> {
  const looked = (await lookForCrews(change, row, settings)).find((candidate) => candidate.crewId === crewId);
  return {
    crewId,
    by: actor.name,
    channel: "console",
    cause: looked?.reasons.join(", ") ?? "chosen by the desk",
    distanceM: looked?.distanceM,
    etaMs: looked?.etaMs,
    acknowledgeMs: scaledMs(settings, settings.acknowledgeMs),
    evenIfBusy,
  };
}

/** One crew for another, in one act: nobody is sent in between. */
async function reassign(
  change: Change,
  row: CaseRow,
  actor: Actor,
  chosen: ChosenCrew,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<void> {
  const leg = await leadOf(change, row);
  if (leg.crew_id === chosen.crewId) {
    throw new BridgeError("CASE_HAS_CREW", `this crew is on case ${row.number} already`, {
      status: 409,
      hint: "Choose another one.",
    });
  }
  await endAssignment(change, leg, "withdrawn");
  const detail = { assignmentId: leg.id, crewId: leg.crew_id };
  const open = await move(change, row, "release", { ...entry, detail });
  await assignCrew(change, open, await orderFor(change, open, actor, chosen, settings));
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
  const leg = await leadOf(change, row);
  await endAssignment(change, leg, "withdrawn");
  await release(change, row, { ...entry, detail: { assignmentId: leg.id, crewId: leg.crew_id } });
}

async function leadOf(change: Change, row: CaseRow): Promise<AssignmentRow> {
  const leg = await activeAssignment(change, row.id);
  if (leg !== undefined) return leg;
  throw new BridgeError("CASE_NO_CREW", `no crew is on case ${row.number}`, {
    status: 409,
    hint: "It may have declined or finished in the meantime: load the case again.",
  });
}

async function suspend(
  change: Change,
  row: CaseRow,
  entry: NewEntry,
  { untilMs, reason }: { readonly untilMs: number; readonly reason?: string },
): Promise<void> {
  if (untilMs <= change.nowMs) {
    throw new BridgeError("SUSPEND_PAST", "a suspension must end in the future", {
      status: 422,
      hint: "Give `untilMs` as UTC in milliseconds, later than now.",
    });
  }
  await freeCrew(change, row.id);
  await setTimer(change.trx, "resume", row.id, untilMs, change.nowMs);
  const pauses = pausesClock(await catalogueInForce(change.trx, change.nowMs), reason);
  const set = { before_suspend: row.state, suspended_until_ms: untilMs, auto_dispatch_at_ms: null, waiting_for: "[]" };
  const detail = { untilMs, ...(reason === undefined ? {} : { reason }), pausesClock: pauses };
  const resting = await move(change, row, "suspend", { ...entry, detail }, set);
  if (pauses) await pauseClocks(change, resting);
}

/** By evidence of how it is now; a reporter's word closes it too, see reports.ts. */
async function closeEvent(
  change: Change,
  row: CaseRow,
  actor: Actor,
  evidence: readonly string[],
  entry: NewEntry,
): Promise<void> {
  if (row.nature !== "event") {
    throw new BridgeError("CASE_NOT_EVENT", `case ${row.number} is a condition: its sensors close it`, {
      status: 409,
      hint: "Wait for the sensors, or close it as unverified with a reason.",
    });
  }
  const parts = await openParts(change.trx, row.id);
  if (parts.length > 0) {
    throw new BridgeError("CASE_HAS_PARTS", parts.join("; "), {
      status: 409,
      hint: "End its parts and whistles first, or close it as unverified with a reason.",
    });
  }
  await assertEvidence(change, row, evidence);
  await end(change, row, "close", actor, { ...entry, detail: { evidence } });
}

async function assertEvidence({ trx }: Change, row: CaseRow, evidence: readonly string[]): Promise<void> {
  const odd = await notOfCase(trx, row.id, evidence);
  if (evidence.length > 0 && odd === undefined) return;
  const what = odd === undefined ? "nothing is named that shows it" : `${odd} is no evidence of this case`;
  throw new BridgeError("CLOSE_NEEDS_EVIDENCE", `case ${row.number} is not closed: ${what}`, {
    status: 422,
    hint: "Name evidence of the case, call a reporter back, or close it as unverified with a reason.",
  });
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
  if (by !== "close") await withdrawWhistles(change, row, actor.name, entry.cause ?? by);
  await move(change, row, by, entry, { waiting_for: "[]", auto_dispatch_at_ms: null });
}

async function freeCrew(change: Change, caseId: string): Promise<void> {
  await cancelDispatch(change, caseId);
  for (const leg of await activeAssignments(change, caseId)) await endAssignment(change, leg, "withdrawn");
}

/** A crew, and the account that acted for it, are handlers of the case from now on. */
export async function noteHandler(change: Change, row: CaseRow, actor: Actor, crewId: string): Promise<CaseRow> {
  if (isEnded(stateOfCase(row))) return row;
  return addHandler(change, await addHandler(change, row, `crew:${crewId}`), actor.name);
}

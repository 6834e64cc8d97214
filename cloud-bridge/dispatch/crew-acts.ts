import { type AssignmentRow, activeAssignments, endAssignment, setAssignment } from "../cases/assignment-rows.ts";
import { type CaseRow, type Change, loadCase, move, note } from "../cases/case-rows.ts";
import { planDispatch } from "../cases/plan-dispatch.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { release } from "../cases/take-over.ts";
import type { Channel, NewEntry } from "../cases/timeline.ts";
import { cancelTimer } from "../cases/timers.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { arrive, arriveIfThere } from "./arrivals.ts";
import { noteHandler } from "./case-acts.ts";
import { assertOfCase } from "./named-evidence.ts";
import { ownLeg } from "./own-leg.ts";

/** What a crew does; the shape is that of the API's CrewAct. */
export interface CrewActRequest {
  readonly act: "acknowledge" | "decline" | "en-route" | "on-scene" | "resolved";
  readonly deviceTimeMs: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
  readonly cause?: string;
  /** Of the case. */
  readonly evidence?: readonly string[];
  /** Whence it came; the crew's page where left out. */
  readonly channel?: Channel;
  /** What else stands in the timeline. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** @throws BridgeError ASSIGNMENT_UNKNOWN, ASSIGNMENT_OVER, ASSIGNMENT_NOT_YOURS, ACT_TOO_EARLY */
export async function actOnAssignment(
  change: Change,
  actor: Actor,
  assignmentId: string,
  request: CrewActRequest,
  settings: DeskSettings,
): Promise<void> {
  const leg = await loadLeg(change, actor, assignmentId);
  const row = await noteHandler(change, await loadCase(change.trx, leg.case_id), actor, leg.crew_id);
  const { evidence = [] } = request;
  await assertOfCase(change.trx, row.id, evidence);
  const shown = evidence.length > 0 ? { evidence } : {};
  const entry: NewEntry = {
    kind: request.act,
    actor: actor.name,
    channel: request.channel ?? "crew-page",
    deviceTimeMs: request.deviceTimeMs,
    ...(request.position === undefined ? {} : { position: request.position }),
    ...(request.cause === undefined ? {} : { cause: request.cause }),
    detail: { ...request.detail, assignmentId, crewId: leg.crew_id, ...shown },
  };
  await cancelTimer(change.trx, "acknowledge", leg.id, change.nowMs);
  if (leg.role === "back-up") return actAsBackUp(change, row, leg, request.act, entry);
  switch (request.act) {
    case "acknowledge":
      return acknowledge(change, row, leg, entry, settings);
    case "decline":
      return decline(change, row, leg, entry, settings);
    case "en-route":
      return setOut(change, row, leg, entry, settings);
    case "on-scene":
      return arrive(change, row, leg, "button", { ...entry, detail: { ...entry.detail, by: "button" } });
    case "resolved":
      return resolve(change, row, leg, entry);
  }
}

async function loadLeg({ trx }: Change, actor: Actor, assignmentId: string): Promise<AssignmentRow> {
  const leg = await ownLeg(trx, actor, assignmentId);
  if (leg.active === 0) {
    throw new BridgeError("ASSIGNMENT_OVER", `this assignment is over: ${leg.state}`, {
      status: 409,
      hint: "The desk may have sent somebody else: load the crew's work again.",
    });
  }
  return leg;
}

async function acknowledge(
  change: Change,
  row: CaseRow,
  leg: AssignmentRow,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<void> {
  if (leg.state !== "assigned") return note(change, row.id, entry);
  const known = await setAssignment(change, leg, { state: "acknowledged", acknowledged_at_ms: change.nowMs });
  await move(change, row, "acknowledge", entry);
  await arriveIfThere(change, known, settings);
}

async function setOut(
  change: Change,
  row: CaseRow,
  leg: AssignmentRow,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<void> {
  if (leg.state === "en-route" || leg.state === "on-scene") return note(change, row.id, entry);
  const known = await setAssignment(change, leg, {
    state: "en-route",
    en_route_at_ms: change.nowMs,
    acknowledged_at_ms: leg.acknowledged_at_ms ?? change.nowMs,
  });
  await move(change, row, "set-out", entry);
  await arriveIfThere(change, known, settings);
}

async function decline(
  change: Change,
  row: CaseRow,
  leg: AssignmentRow,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<void> {
  await endAssignment(change, leg, "declined");
  const released = await release(change, row, entry);
  if (!released.isLed) await planDispatch(change, released.row, settings, true);
}

/** A back-up helps: what it does stands in the timeline, and the case goes by the crew that leads. */
async function actAsBackUp(
  change: Change,
  row: CaseRow,
  leg: AssignmentRow,
  act: CrewActRequest["act"],
  entry: NewEntry,
): Promise<void> {
  const { nowMs } = change;
  const said = { ...entry, detail: { ...entry.detail, role: "back-up" } };
  if (act === "on-scene")
    return arrive(change, row, leg, "button", { ...said, detail: { ...said.detail, by: "button" } });
  if (act === "decline" || act === "resolved")
    await endAssignment(change, leg, act === "decline" ? "declined" : "done");
  else if (act === "acknowledge" && leg.state === "assigned") {
    await setAssignment(change, leg, { state: "acknowledged", acknowledged_at_ms: nowMs });
  } else if (act === "en-route" && leg.state !== "on-scene") {
    const acknowledged_at_ms = leg.acknowledged_at_ms ?? nowMs;
    await setAssignment(change, leg, { state: "en-route", en_route_at_ms: nowMs, acknowledged_at_ms });
  }
  await note(change, row.id, said);
}

/** The crew says that it is done; the sensors have the last word. */
async function resolve(change: Change, row: CaseRow, leg: AssignmentRow, entry: NewEntry): Promise<void> {
  if (leg.state !== "on-scene") {
    throw new BridgeError("ACT_TOO_EARLY", "the crew has not arrived yet", {
      status: 409,
      hint: "Press “on scene” first, or let the vehicle's position say so.",
    });
  }
  await endAssignment(change, leg, "done");
  for (const other of await activeAssignments(change, row.id)) {
    await endAssignment(change, other, other.state === "on-scene" ? "done" : "withdrawn");
  }
  await move(change, row, "resolve", entry);
}

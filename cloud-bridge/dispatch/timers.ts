import { endAssignment } from "../cases/assignment-rows.ts";
import { type Change, loadCase, note } from "../cases/case-rows.ts";
import { planDispatch } from "../cases/plan-dispatch.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { release } from "../cases/take-over.ts";
import { TIMER_KINDS, type TimerKind, takeTimer } from "../cases/timers.ts";
import type { Db, Trx } from "../store/database.ts";
import type { FaultPoints } from "../store/fault-points.ts";
import { arrivalOverdue, totalOverdue } from "./escalation.ts";
import { inhibitionDue } from "./inhibitions.ts";
import { permitDue } from "./permit-news.ts";
import { resumeCase } from "./resume-case.ts";
import { proposeFirst, sendFirst } from "./send-crew.ts";
import { whistleOverdue } from "./whistle-legs.ts";

export interface DueTimer {
  readonly id: number;
  readonly kind: TimerKind;
  readonly ref: string;
}

export async function dueTimers(db: Db | Trx, nowMs: number, ref?: string): Promise<readonly DueTimer[]> {
  const due = db
    .selectFrom("timers")
    .select(["id", "kind", "ref"])
    .where("done_at_ms", "is", null)
    .where("due_at_ms", "<=", nowMs)
    .orderBy("due_at_ms")
    .orderBy("id")
    .limit(100);
  const rows = await (ref === undefined ? due : due.where("ref", "=", ref)).execute();
  return rows.flatMap(({ id, kind, ref }) => {
    const known = TIMER_KINDS.find((name) => name === kind);
    return known === undefined ? [] : [{ id, kind: known, ref }];
  });
}

/** Acts on one timer; taking it and its act are one transaction, so that it fires once whatever dies. */
export async function fireTimer(
  change: Change,
  timer: DueTimer,
  settings: DeskSettings,
  faultPoints: FaultPoints,
): Promise<void> {
  if (!(await takeTimer(change.trx, timer.id, change.nowMs))) return;
  switch (timer.kind) {
    case "dispatch":
      await sendFirst(change, await loadCase(change.trx, timer.ref), settings, faultPoints);
      break;
    case "propose":
      await proposeFirst(change, await loadCase(change.trx, timer.ref), settings);
      break;
    case "resume":
      await resumeDue(change, timer.ref, settings);
      break;
    case "acknowledge":
      await giveUpWaiting(change, timer.ref, settings);
      break;
    case "arrive":
      await arrivalOverdue(change, await loadCase(change.trx, timer.ref));
      break;
    case "inhibition":
      await inhibitionDue(change, timer.ref, settings);
      break;
    case "permit":
      await permitDue(change, timer.ref, settings);
      break;
    case "whistle-scene":
    case "whistle-handle":
      await whistleOverdue(change, timer.ref, timer.kind);
      break;
    case "total":
      await totalOverdue(change, await loadCase(change.trx, timer.ref), settings);
      break;
  }
  faultPoints.reach("bridge-mid-timer");
}

async function resumeDue(change: Change, caseId: string, settings: DeskSettings): Promise<void> {
  const row = await loadCase(change.trx, caseId);
  if (row.state !== "suspended") return;
  const entry = { kind: "resumed", actor: "system:timer", channel: "system", cause: "its time is over" } as const;
  await resumeCase(change, row, entry, settings);
}

/** The crew did not answer in time, or was brought back and could not be told: the next one is sent. */
async function giveUpWaiting(change: Change, assignmentId: string, settings: DeskSettings): Promise<void> {
  const { trx } = change;
  const leg = await trx.selectFrom("assignments").selectAll().where("id", "=", assignmentId).executeTakeFirst();
  if (leg === undefined) return;
  const isUntold = leg.state === "on-scene" && leg.notified_at_ms === null;
  if (leg.state !== "assigned" && !isUntold) return;
  const row = await loadCase(trx, leg.case_id);
  if (leg.active === 0) return;
  await endAssignment(change, leg, "no-answer");
  const detail = { assignmentId, crewId: leg.crew_id, notified: leg.notified_at_ms !== null };
  const cause = leg.notified_at_ms === null ? "the crew could not be reached" : "the crew did not answer";
  const entry = { kind: "escalated", actor: "system:timer", channel: "system", cause, detail } as const;
  if (leg.role === "back-up") return note(change, row.id, entry);
  const released = await release(change, row, entry);
  if (!released.isLed) await planDispatch(change, released.row, settings, true);
}

import type { AlarmBody } from "../../protocol/alarm.ts";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import { notify, reactivateLast } from "./assignment-rows.ts";
import { amend, type CaseRow, type Change, move, note, stateOfCase } from "./case-rows.ts";
import { joinPlaceUnits } from "./case-units.ts";
import { heard, said, seenPhase } from "./heard.ts";
import { heldBack } from "./held-back.ts";
import { inhibitionOf, noteInhibited } from "./inhibition.ts";
import { cancelDispatch, holdIfPermitted, planByPolicy, planDispatch } from "./plan-dispatch.ts";
import { type DeskSettings, scaledMs } from "./settings.ts";
import { isEnded } from "./states.ts";
import type { NewEntry } from "./timeline.ts";

/** Takes a new revision, or a verdict of the node's hello, of an alarm that has its case already. */
export async function progress(
  change: Change,
  before: CaseRow,
  alarm: AlarmRow,
  body: AlarmBody,
  settings: DeskSettings,
): Promise<void> {
  const { trx } = change;
  const link = await trx
    .selectFrom("case_alarms")
    .select(["seen_rev", "seen_phase"])
    .where("case_id", "=", before.id)
    .where("alarm_id", "=", alarm.alarm_id)
    .executeTakeFirst();
  const phase = seenPhase(alarm);
  await trx
    .updateTable("case_alarms")
    .set({ seen_rev: alarm.rev, seen_phase: phase })
    .where("case_id", "=", before.id)
    .where("alarm_id", "=", alarm.alarm_id)
    .execute();
  const isHistory = alarm.late === 1 && phase === "standing";
  const known = isHistory ? before : await amend(change, before, heard(alarm, body, before));
  const isLive = phase === "standing" && !isHistory;
  const row = isLive ? await heedPermit(change, known, alarm, body, settings) : known;
  if (isLive && body.family === "emergency") return takeCall(change, before, row, alarm, body, settings);
  if (phase === link?.seen_phase) {
    // The count of alarms that a node had no room for has grown.
    if (body.folded !== undefined && alarm.rev > link.seen_rev)
      await note(change, row.id, said(alarm, body, "alarm-joined"));
    if (isLive && before.late === 1) await wake(change, row, alarm, body, settings);
    return;
  }
  if (phase !== "standing") {
    await note(change, row.id, said(alarm, body, phase === "cleared" ? "alarm-cleared" : "alarm-superseded"));
    if (phase === "cleared" && body.clearReason === "quiet") await clearItself(change, row);
    return;
  }
  await note(change, row.id, said(alarm, body, "alarm-raised-again"));
  if (isHistory) return;
  const inhibition = await inhibitionOf(change, alarm);
  if (inhibition === undefined) return wake(change, row, alarm, body, settings);
  await amend(change, row, { inhibited_by: inhibition.id });
  await noteInhibited(change, row.id, alarm, inhibition);
}

/** A call for help that is told again: its caller may be seen by now, and a new call wakes a case that was over. */
async function takeCall(
  change: Change,
  before: CaseRow,
  row: CaseRow,
  alarm: AlarmRow,
  body: AlarmBody,
  settings: DeskSettings,
): Promise<void> {
  let known = row;
  const { position } = body;
  const isPlaced = row.latitude_deg !== null;
  const hasMoved =
    position !== undefined &&
    (position.latitudeDeg !== row.latitude_deg || position.longitudeDeg !== row.longitude_deg);
  if (hasMoved && !isEnded(stateOfCase(row))) {
    known = await amend(change, row, { latitude_deg: position.latitudeDeg, longitude_deg: position.longitudeDeg });
    await joinPlaceUnits(change, known);
    await note(change, row.id, said(alarm, body, isPlaced ? "caller-moved" : "caller-seen"));
  }
  const hasCalledAgain = alarm.raised_at_ms > before.last_alarm_at_ms;
  if (hasCalledAgain) await note(change, row.id, said(alarm, body, "alarm-raised-again"));
  if (hasCalledAgain || before.late === 1) await wake(change, known, alarm, body, settings);
}

/**
 * The alarm is loud without a permit now: a case that a permit had held back waits for a crew like any other. One that its
 * node knows has begun: a case that waits for a crew is held.
 */
async function heedPermit(
  change: Change,
  before: CaseRow,
  alarm: AlarmRow,
  body: AlarmBody,
  settings: DeskSettings,
): Promise<CaseRow> {
  if (before.dispatchable === 1) {
    if (body.permit === undefined) return before;
    return (await holdIfPermitted(change, before, said(alarm, body, "permit-held"))) ?? before;
  }
  if ((await heldBack(change, alarm, body)) !== undefined) return before;
  const row = await amend(change, before, { dispatchable: 1, inhibited_by: null });
  const kind = before.inhibited_by === null ? "permit-ended" : "inhibition-ended";
  await note(change, row.id, said(alarm, body, kind));
  return planByPolicy(change, row, settings);
}

/** The alarm is live: an ended case opens again, a resolved one goes back to its crew, a late one becomes live. */
async function wake(
  change: Change,
  before: CaseRow,
  alarm: AlarmRow,
  body: AlarmBody,
  settings: DeskSettings,
): Promise<void> {
  const state = stateOfCase(before);
  if (isEnded(state)) {
    const row = await move(
      change,
      before,
      "reopen",
      { ...said(alarm, body, "reopened"), actor: "system:desk" },
      { late: 0 },
    );
    await planDispatch(change, row, settings);
    return;
  }
  const row = before.late === 1 ? await amend(change, before, { late: 0 }) : before;
  if (state === "resolved" || state === "verifying") {
    await bringBack(change, row, said(alarm, body, "brought-back"), settings);
  } else if (before.late === 1) {
    await note(change, row.id, said(alarm, body, "live"));
    await planDispatch(change, row, settings);
  }
}

/** Back to its crew when that is still free, else open for the next. */
export async function bringBack(
  change: Change,
  row: CaseRow,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<CaseRow> {
  const leg = await reactivateLast(change, row.id, scaledMs(settings, settings.acknowledgeMs));
  if (leg !== undefined) {
    await notify(change, row.id, leg.id, leg.crewId, "brought-back");
    return move(change, row, "bring-back", entry, { waiting_for: "[]" });
  }
  const opened = await move(change, row, "release", entry, { waiting_for: "[]" });
  return planDispatch(change, opened, settings, true);
}

/** A condition that went away before anybody was sent needs nobody. A late case stays for a person to read. */
async function clearItself(change: Change, row: CaseRow): Promise<void> {
  if (row.state !== "open" || row.late === 1 || row.nature !== "condition") return;
  const standing = await change.trx
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .select("alarms.alarm_id")
    .where("case_alarms.case_id", "=", row.id)
    .where("alarms.phase", "!=", "cleared")
    .executeTakeFirst();
  if (standing !== undefined) return;
  await cancelDispatch(change, row.id);
  const entry: NewEntry = {
    kind: "self-cleared",
    actor: "system:desk",
    channel: "system",
    cause: "every alarm of the case has cleared before a crew was sent",
  };
  await move(change, row, "self-clear", entry, { auto_dispatch_at_ms: null });
}

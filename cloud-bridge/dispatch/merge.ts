import { activeAssignments, assignCrew, endAssignment } from "../cases/assignment-rows.ts";
import { amend, type CaseRow, type Change, handlersOf, loadCase, move, note } from "../cases/case-rows.ts";
import { joinUnit, unitIdsOf } from "../cases/case-units.ts";
import { highest } from "../cases/heard.ts";
import { cancelDispatch, planDispatch } from "../cases/plan-dispatch.ts";
import { bringBack } from "../cases/progress.ts";
import { type DeskSettings, scaledMs } from "../cases/settings.ts";
import { needsCrewAgain } from "../cases/standing.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import type { Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";

/**
 * One case goes on with everything of another: alarms, reports, parts, units. Both timelines say so. The crew goes with it
 * where the other has none.
 * @throws BridgeError CASE_MERGE, CASE_UNKNOWN, CASE_MOVE
 */
export async function mergeCase(
  change: Change,
  actor: Actor,
  row: CaseRow,
  { into, cause }: { readonly into: string; readonly cause: string },
  settings: DeskSettings,
): Promise<void> {
  const { trx } = change;
  const target = await loadCase(trx, into);
  assertMergeable(row, target);
  await assertNoPart(trx, row, target);
  const moved = await moveContents(change, row.id, target.id);
  for (const unitId of await unitIdsOf(trx, row.id)) await joinUnit(change, target.id, unitId, "merged");
  await cancelDispatch(change, row.id);
  const legs = await activeAssignments(change, row.id);
  for (const leg of legs) await endAssignment(change, leg, "withdrawn");
  const said: NewEntry = { kind: "merge", actor: actor.name, channel: "console", cause };
  const detail = { into: target.id, intoNumber: target.number, ...moved };
  const ended = { merged_into: target.id, waiting_for: "[]", auto_dispatch_at_ms: null };
  await move(change, row, "merge", { ...said, detail }, ended);
  await note(change, target.id, {
    ...said,
    kind: "merged-in",
    detail: { caseId: row.id, number: row.number, ...moved },
  });
  const handlers = [...new Set([...handlersOf(target), ...handlersOf(row)])];
  const known = await amend(change, target, {
    handlers: JSON.stringify(handlers),
    last_alarm_at_ms: Math.max(target.last_alarm_at_ms, row.last_alarm_at_ms),
    peak_db: highest(target.peak_db, row.peak_db ?? undefined),
    level_db: target.level_db ?? row.level_db,
    severity: row.severity === "urgent" ? "urgent" : target.severity,
    late: Math.min(target.late, row.late),
    dispatchable: Math.max(target.dispatchable, row.dispatchable),
    ...(target.latitude_deg === null
      ? { latitude_deg: row.latitude_deg, longitude_deg: row.longitude_deg, grid_cell: row.grid_cell }
      : {}),
    to_locate: target.latitude_deg === null && row.latitude_deg === null ? target.to_locate : 0,
  });
  await goOn(change, actor, known, legs.find(({ role }) => role === "lead")?.crew_id, settings);
}

/** Sends on what was brought in. */
async function goOn(
  change: Change,
  actor: Actor,
  target: CaseRow,
  crewId: string | undefined,
  settings: DeskSettings,
): Promise<void> {
  if (target.state === "resolved" || target.state === "verifying") {
    if (!(await needsCrewAgain(change, target.id))) return;
    const entry: NewEntry = {
      kind: "brought-back",
      actor: actor.name,
      channel: "console",
      cause: "an alarm of the case that was merged in stands",
    };
    await bringBack(change, target, entry, settings);
    return;
  }
  if (target.state !== "open") return;
  if (crewId === undefined) {
    await planDispatch(change, target, settings);
    return;
  }
  await assignCrew(change, target, {
    crewId,
    by: actor.name,
    channel: "console",
    cause: "was on the case that was merged in",
    acknowledgeMs: scaledMs(settings, settings.acknowledgeMs),
  });
}

async function moveContents({ trx }: Change, from: string, into: string) {
  const alarms = await trx.selectFrom("case_alarms").select("alarm_id").where("case_id", "=", from).execute();
  const reports = await trx.selectFrom("reports").select("id").where("case_id", "=", from).execute();
  await trx.updateTable("case_alarms").set({ case_id: into }).where("case_id", "=", from).execute();
  await trx.updateTable("follow_up").set({ case_id: into }).where("case_id", "=", from).execute();
  await trx.updateTable("reports").set({ case_id: into }).where("case_id", "=", from).execute();
  await trx.updateTable("whistles").set({ case_id: into }).where("case_id", "=", from).execute();
  await trx.updateTable("cases").set({ parent_id: into }).where("parent_id", "=", from).execute();
  return { alarmIds: alarms.map(({ alarm_id }) => alarm_id), reportIds: reports.map(({ id }) => id) };
}

/** A merged case is opened again: what it brought into others comes back to it. */
export async function takeBackMerged(change: Change, row: CaseRow, actor: Actor): Promise<void> {
  const { trx } = change;
  const entry = await trx
    .selectFrom("timeline")
    .select("detail")
    .where("case_id", "=", row.id)
    .where("kind", "=", "merge")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  if (entry?.detail == null) return;
  // As mergeCase wrote it.
  const { alarmIds, reportIds } = JSON.parse(entry.detail) as { alarmIds: string[]; reportIds: string[] };
  const losers = new Set<string>();
  for (const alarmId of alarmIds) {
    const link = await trx
      .selectFrom("case_alarms")
      .select("case_id")
      .where("alarm_id", "=", alarmId)
      .executeTakeFirst();
    if (link === undefined) continue;
    losers.add(link.case_id);
    await trx.updateTable("case_alarms").set({ case_id: row.id }).where("alarm_id", "=", alarmId).execute();
    await trx.updateTable("follow_up").set({ case_id: row.id }).where("alarm_id", "=", alarmId).execute();
  }
  for (const id of reportIds) {
    const report = await trx.selectFrom("reports").select("case_id").where("id", "=", id).executeTakeFirst();
    if (report === undefined) continue;
    losers.add(report.case_id);
    await trx.updateTable("reports").set({ case_id: row.id }).where("id", "=", id).execute();
  }
  losers.delete(row.id);
  for (const caseId of losers) {
    const detail = { caseId: row.id, number: row.number, alarmIds, reportIds };
    await note(change, caseId, { kind: "merged-out", actor: actor.name, channel: "console", detail });
  }
}

const refuse = (message: string, hint: string) => new BridgeError("CASE_MERGE", message, { status: 409, hint });

function assertMergeable(row: CaseRow, target: CaseRow): void {
  const names = `case ${row.number} into case ${target.number}`;
  if (row.id === target.id) throw refuse("a case cannot be merged into itself", "Name another case as `into`.");
  if (isEnded(stateNamed(target.state))) throw refuse(`case ${target.number} is ${target.state}`, "Reopen it first.");
  if (row.family === "emergency" || target.family === "emergency") {
    throw refuse(`an officer's emergency is never merged: ${names}`, "Leave each its own case.");
  }
  if (row.family !== target.family && row.family !== "report") {
    throw refuse(`a case of ${row.family} cannot go into one of ${target.family}: ${names}`, "Merge the other way.");
  }
}

/** The parts of a case go with it: one into which it goes would become a part of itself. */
async function assertNoPart(trx: Trx, row: CaseRow, target: CaseRow): Promise<void> {
  const above = new Set<string>();
  for (let id = target.parent_id; id !== null && !above.has(id); ) {
    above.add(id);
    const parent = await trx.selectFrom("cases").select("parent_id").where("id", "=", id).executeTakeFirst();
    // Retention may have taken what is above.
    id = parent?.parent_id ?? null;
  }
  if (!above.has(row.id)) return;
  throw refuse(`case ${target.number} is a part of case ${row.number}`, "Merge the part into its case.");
}

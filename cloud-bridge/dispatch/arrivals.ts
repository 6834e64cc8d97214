import { type AssignmentRow, isActive, setAssignment } from "../cases/assignment-rows.ts";
import { type CaseRow, type Change, loadCase, move, note, positionOf } from "../cases/case-rows.ts";
import { seenAtSite } from "../cases/presence.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { nextState, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { type Arrival, arrivalsOf } from "../cases/views.ts";
import { distanceM } from "../roster/distance.ts";
import { type CrewPosition, newestPositions, notePosition } from "../roster/positions.ts";

/** Takes a crew's fix, and its arrival when that fix lies inside the geofence of its case. */
export async function takePosition(
  change: Change,
  crewId: string,
  fix: CrewPosition,
  settings: DeskSettings,
): Promise<void> {
  if (!(await notePosition(change.trx, crewId, fix, change.nowMs))) return;
  const legs = await change.trx
    .selectFrom("assignments")
    .selectAll()
    .where("crew_id", "=", crewId)
    .where(isActive)
    .execute();
  for (const leg of legs) await arriveByFix(change, leg, fix, settings);
}

/** The crew has just answered: perhaps it stands at the site already. */
export async function arriveIfThere(change: Change, leg: AssignmentRow, settings: DeskSettings): Promise<void> {
  const fix = (await newestPositions(change.trx)).get(leg.crew_id);
  if (fix !== undefined) await arriveByFix(change, leg, fix, settings);
}

async function arriveByFix(
  change: Change,
  leg: AssignmentRow,
  fix: CrewPosition,
  settings: DeskSettings,
): Promise<void> {
  const by: Arrival = fix.source === "radio" ? "radio" : "gps";
  if (!["acknowledged", "en-route", "on-scene"].includes(leg.state)) return;
  const isKnown = arrivalsOf(leg).includes(by);
  if (isKnown && (await seenAtSite(change.trx, leg.case_id))) return;
  if (change.nowMs - fix.atMs > settings.candidates.freshFixMs) return;
  const row = await loadCase(change.trx, leg.case_id);
  const farM = distanceM(fix, positionOf(row));
  if (farM > (await radiusOf(change, row, settings))) return;
  const entry: NewEntry = {
    kind: "on-scene",
    actor: `crew:${leg.crew_id}`,
    channel: by,
    deviceTimeMs: fix.atMs,
    position: { latitudeDeg: fix.latitudeDeg, longitudeDeg: fix.longitudeDeg },
    detail: { by, source: fix.source, distanceM: Math.round(farM) },
  };
  // A crew that was brought back keeps its leg, not the proof of its visit before.
  if (isKnown) await note(change, row.id, entry);
  else await arrive(change, row, leg, by, entry);
}

/** Notes one more way in which the arrival is known; the first of them moves the case. */
export async function arrive(
  change: Change,
  row: CaseRow,
  leg: AssignmentRow,
  by: Arrival,
  entry: NewEntry,
): Promise<void> {
  const known = arrivalsOf(leg);
  if (known.includes(by)) return;
  await setAssignment(change, leg, {
    state: "on-scene",
    on_scene_by: JSON.stringify([...known, by]),
    on_scene_at_ms: leg.on_scene_at_ms ?? change.nowMs,
  });
  if (leg.role === "back-up" || nextState(stateNamed(row.state), "arrive") === undefined)
    await note(change, row.id, entry);
  else await move(change, row, "arrive", entry);
}

async function radiusOf(change: Change, row: CaseRow, settings: DeskSettings): Promise<number> {
  if (row.site_id === null) return settings.radiusM;
  const site = await change.trx.selectFrom("sites").select("radius_m").where("id", "=", row.site_id).executeTakeFirst();
  return site?.radius_m ?? settings.radiusM;
}

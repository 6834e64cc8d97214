import type { AlarmBody } from "../../protocol/alarm.ts";
import { type AlarmRow, bodyOf } from "../alarms/alarm-rows.ts";
import { responsibleUnits } from "../roster/responsible.ts";
import { isPostgres } from "../store/dialect.ts";
import type { FaultPoints } from "../store/fault-points.ts";
import { prepared } from "../store/prepared.ts";
import { amend, type CaseRow, type Change, loadCase, move, note } from "./case-rows.ts";
import { joinPlaceUnits } from "./case-units.ts";
import { categoryOfAlarm } from "./catalogue.ts";
import { catalogueInForce } from "./catalogue-rows.ts";
import { type GroupingDecision, groupAlarm, type JoinReason } from "./grouping.ts";
import { heard, highest, levelOf, peakOf, said, seenPhase } from "./heard.ts";
import { heldBack } from "./held-back.ts";
import { isNodeSilent, noteInhibited } from "./inhibition.ts";
import { candidatesForJoining, recurring } from "./joinable.ts";
import { categoryFacts, foundByFamily, gridCellOf, newCaseRow } from "./new-case.ts";
import { planByPolicy, planDispatch } from "./plan-dispatch.ts";
import { bringBack, progress } from "./progress.ts";
import type { DeskSettings } from "./settings.ts";

/** A follow-up that is due: an alarm that has no case yet, or one that changed since its case last looked. */
export interface DueFollowUp {
  readonly id: number;
  readonly alarm_id: string;
  readonly case_id: string | null;
}

/**
 * Turns one follow-up into what it means for a case; one transaction of the elected writer, so that grouping is serial.
 * @returns the case, or undefined when the alarm is gone
 */
export async function followUp(
  change: Change,
  due: DueFollowUp,
  settings: DeskSettings,
  faultPoints: FaultPoints,
): Promise<string | undefined> {
  const { trx } = change;
  // Before the alarm is read: a revision that commits meanwhile makes the follow-up due again, after this one.
  const [standing] = (await lockedFollowUp(trx, { id: due.id })).rows;
  if (standing === undefined || standing.pending === 0) return undefined;
  const alarm = await trx.selectFrom("alarms").selectAll().where("alarm_id", "=", due.alarm_id).executeTakeFirst();
  if (alarm === undefined) {
    await trx.updateTable("follow_up").set({ pending: 0 }).where("id", "=", due.id).execute();
    return undefined;
  }
  const body = bodyOf(alarm);
  let caseId = standing.case_id;
  if (caseId === null) {
    caseId = await openOrJoin(change, alarm, body, settings);
    faultPoints.reach("bridge-mid-follow-up");
  } else {
    await progress(change, await loadCase(trx, caseId), alarm, body, settings);
  }
  await trx.updateTable("follow_up").set({ pending: 0, case_id: caseId }).where("id", "=", due.id).execute();
  return caseId;
}

const lockedFollowUp = prepared((db, { id }: { id: number }) => {
  const row = db.selectFrom("follow_up").select(["case_id", "pending"]).where("id", "=", id);
  return isPostgres(db) ? row.forUpdate() : row;
});

async function openOrJoin(change: Change, alarm: AlarmRow, body: AlarmBody, settings: DeskSettings): Promise<string> {
  const position = await positionOfAlarm(change, alarm, body);
  const joinable = await candidatesForJoining(change.trx, alarm, body, settings, position);
  const decision = groupAlarm(joinable.alarm, joinable.cases, settings.grouping);
  const row = await target(change, alarm, body, decision, position, settings);
  return row.id;
}

/** The alarm is one of the case's from here on. */
async function tie(
  change: Change,
  row: Pick<CaseRow, "id" | "number">,
  alarm: AlarmRow,
  how: JoinReason | "opened" | "recurrence",
): Promise<void> {
  await change.trx
    .insertInto("case_alarms")
    .values({
      case_id: row.id,
      alarm_id: alarm.alarm_id,
      joined_at_ms: change.nowMs,
      how,
      seen_rev: alarm.rev,
      seen_phase: seenPhase(alarm),
    })
    .execute();
  const fields = { case: row.number, how, late: alarm.late === 1 };
  change.steps.push({ sentence: STEPS[how] ?? STEP_JOINED, alarmId: alarm.alarm_id, caseId: row.id, fields });
}

const STEP_JOINED = "alarm joined a case";
const STEPS: Readonly<Record<string, string>> = {
  opened: "alarm opened a case",
  recurrence: "alarm brought its case back",
};

async function target(
  change: Change,
  alarm: AlarmRow,
  body: AlarmBody,
  decision: GroupingDecision,
  position: Place | undefined,
  settings: DeskSettings,
): Promise<CaseRow> {
  if (decision.act === "join") return joinCase(change, alarm, body, decision, settings);
  const before = alarm.late === 1 ? undefined : await recurring(change.trx, alarm, change.nowMs, settings);
  if (before !== undefined) {
    const entry = { ...said(alarm, body, "reopened"), actor: "system:desk", cause: "the site is loud again" };
    await tie(change, before, alarm, "recurrence");
    const held = await heldBack(change, alarm, body);
    const hold = { dispatchable: held === undefined ? 1 : 0, inhibited_by: held?.inhibition?.id ?? null };
    const reopened = await move(change, before, "reopen", entry, { ...heard(alarm, body, before), late: 0, ...hold });
    if (held?.inhibition !== undefined) await noteInhibited(change, reopened.id, alarm, held.inhibition);
    return planByPolicy(change, reopened, settings);
  }
  return openCase(change, alarm, body, position, settings);
}

async function openCase(
  change: Change,
  alarm: AlarmRow,
  body: AlarmBody,
  position: Place | undefined,
  settings: DeskSettings,
): Promise<CaseRow> {
  const { trx, nowMs } = change;
  const [answering] = await responsibleUnits(trx, alarm.site_id, position);
  const site =
    alarm.site_id === null
      ? undefined
      : await trx.selectFrom("sites").select("name").where("id", "=", alarm.site_id).executeTakeFirst();
  const held = await heldBack(change, alarm, body);
  const catalogue = await catalogueInForce(trx, nowMs);
  const category = categoryOfAlarm(catalogue, alarm.rule, alarm.family);
  const isFault = alarm.family === "fault";
  const row = await newCaseRow(trx, nowMs, {
    ...(isFault ? {} : categoryFacts(catalogue, category)),
    family: alarm.family,
    nature: alarm.nature,
    title: titleOf(alarm, site?.name),
    rule: alarm.rule,
    late: alarm.late,
    dispatchable: held === undefined ? 1 : 0,
    inhibited_by: held?.inhibition?.id ?? null,
    site_id: alarm.site_id,
    node: alarm.node,
    latitude_deg: position?.latitudeDeg ?? null,
    longitude_deg: position?.longitudeDeg ?? null,
    grid_cell: position === undefined ? null : gridCellOf(position),
    last_alarm_at_ms: alarm.raised_at_ms,
    level_db: levelOf(body) ?? null,
    peak_db: peakOf(body) ?? null,
    severity: isFault ? "normal" : (category?.severity ?? "urgent"),
    unit_id: answering?.unitId ?? null,
    found_by: foundByFamily(alarm.family),
  });
  await trx.insertInto("cases").values(row).execute();
  await tie(change, row, alarm, "opened");
  await joinPlaceUnits(change, row);
  const why = held?.permit === undefined ? {} : { permit: held.permit };
  const opened = said(alarm, body, "opened");
  await note(change, row.id, { ...opened, detail: { ...opened.detail, late: alarm.late === 1, ...why } });
  if (held?.inhibition !== undefined) await noteInhibited(change, row.id, alarm, held.inhibition);
  return planByPolicy(change, row, settings);
}

function titleOf({ rule, node, device, subject_id }: AlarmRow, site: string | undefined): string {
  return [rule, site ?? node, device, subject_id].filter((part) => part !== "").join(" · ");
}

async function joinCase(
  change: Change,
  alarm: AlarmRow,
  body: AlarmBody,
  decision: Extract<GroupingDecision, { act: "join" }>,
  settings: DeskSettings,
): Promise<CaseRow> {
  const before = await loadCase(change.trx, decision.caseId);
  await tie(change, before, alarm, decision.how);
  const isHistory = alarm.late === 1;
  const joined = said(alarm, body, "alarm-joined");
  await note(change, before.id, { ...joined, detail: { ...joined.detail, how: decision.how, history: isHistory } });
  if (isHistory) return amend(change, before, { peak_db: highest(before.peak_db, peakOf(body)) });
  const held = await heldBack(change, alarm, body);
  const dispatchable = held === undefined ? 1 : before.dispatchable;
  const inhibited_by = held?.inhibition?.id ?? (dispatchable === 1 ? null : before.inhibited_by);
  const row = await amend(change, before, { ...heard(alarm, body, before), late: 0, dispatchable, inhibited_by });
  if (held?.inhibition !== undefined) {
    await noteInhibited(change, row.id, alarm, held.inhibition);
    return row;
  }
  if (await isNodeSilent(change, alarm)) {
    const cause = "its whole node is silent";
    const detail = { alarmId: alarm.alarm_id };
    await note(change, row.id, { kind: "inhibited", actor: "system:desk", channel: "system", cause, detail });
  }
  if (decision.bringsBack) return bringBack(change, row, said(alarm, body, "brought-back"), settings);
  const isAwakened = before.late === 1 || before.dispatchable !== dispatchable;
  return isAwakened ? planDispatch(change, row, settings) : row;
}

interface Place {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

/** Where it happened: as the alarm says, else its site, else its node. A caller is not where the radio stands that heard it. */
async function positionOfAlarm(change: Change, alarm: AlarmRow, body: AlarmBody): Promise<Place | undefined> {
  if (body.position !== undefined) return body.position;
  if (body.family === "emergency" && alarm.subject_id !== "") return undefined;
  const site =
    alarm.site_id === null
      ? undefined
      : await change.trx
          .selectFrom("sites")
          .select(["latitude_deg", "longitude_deg"])
          .where("id", "=", alarm.site_id)
          .executeTakeFirst();
  const known =
    site?.latitude_deg == null
      ? await change.trx
          .selectFrom("nodes")
          .select(["latitude_deg", "longitude_deg"])
          .where("id", "=", alarm.node)
          .executeTakeFirst()
      : site;
  const latitudeDeg = known?.latitude_deg;
  const longitudeDeg = known?.longitude_deg;
  return latitudeDeg == null || longitudeDeg == null ? undefined : { latitudeDeg, longitudeDeg };
}

import type { AlarmBody } from "../../protocol/alarm.ts";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import type { GeoPosition } from "../roster/distance.ts";
import type { Trx } from "../store/database.ts";
import { type CaseRow, positionOf } from "./case-rows.ts";
import type { GroupingAlarm, GroupingCase } from "./grouping.ts";
import type { DeskSettings } from "./settings.ts";

type JoinableRow = Pick<
  CaseRow,
  "id" | "number" | "family" | "state" | "site_id" | "latitude_deg" | "longitude_deg" | "last_alarm_at_ms"
>;

/** The alarm and the open cases as grouping wants to see them: those of its site, and those near in time. */
export async function candidatesForJoining(
  trx: Trx,
  alarm: AlarmRow,
  body: AlarmBody,
  settings: DeskSettings,
  position: GeoPosition | undefined,
): Promise<{ readonly alarm: GroupingAlarm; readonly cases: readonly GroupingCase[] }> {
  const unreadableCaseId = await unreadableCase(trx, alarm);
  const { withinMs } = settings.grouping;
  const rows = await trx
    .selectFrom("cases")
    .select(["id", "number", "family", "state", "site_id", "latitude_deg", "longitude_deg", "last_alarm_at_ms"])
    .where("closed_at_ms", "is", null)
    .where((or) =>
      or.or([
        or.and([
          or("family", "=", alarm.family),
          or.or([
            or("site_id", "=", alarm.site_id),
            or.between("last_alarm_at_ms", alarm.raised_at_ms - withinMs, alarm.raised_at_ms + withinMs),
          ]),
        ]),
        ...(unreadableCaseId === undefined ? [] : [or("id", "=", unreadableCaseId)]),
      ]),
    )
    .execute();
  return {
    alarm: {
      family: body.family,
      ...(alarm.site_id === null ? {} : { siteId: alarm.site_id }),
      ...(position === undefined ? {} : { position }),
      raisedAtMs: alarm.raised_at_ms,
      late: alarm.late === 1,
      ...(unreadableCaseId === undefined ? {} : { unreadableCaseId }),
    },
    cases: rows.map((row) => groupingCase(row, body)),
  };
}

function groupingCase(row: JoinableRow, { family }: AlarmBody): GroupingCase {
  const position = positionOf(row);
  return {
    id: row.id,
    number: row.number,
    family: row.family === family ? family : "fault",
    isOpen: true,
    state: row.state,
    ...(row.site_id === null ? {} : { siteId: row.site_id }),
    ...(position === undefined ? {} : { position }),
    lastAlarmAtMs: row.last_alarm_at_ms,
  };
}

/** The case of this site and family that ended a short while ago and is not over after all. */
export async function recurring(
  trx: Trx,
  alarm: AlarmRow,
  nowMs: number,
  settings: DeskSettings,
): Promise<CaseRow | undefined> {
  if (alarm.site_id === null || alarm.family === "emergency") return undefined;
  return trx
    .selectFrom("cases")
    .selectAll()
    .where("site_id", "=", alarm.site_id)
    .where("family", "=", alarm.family)
    .where("state", "in", ["closed", "closed-unverified", "self-cleared"])
    .where("closed_at_ms", ">", nowMs - settings.recurrenceMs)
    .orderBy("closed_at_ms", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** Case of the record's earlier refusal, when this alarm could not be read before. */
async function unreadableCase(trx: Trx, alarm: AlarmRow): Promise<string | undefined> {
  const refused = await trx
    .selectFrom("quarantine")
    .select("seq")
    .where("node", "=", alarm.node)
    .where("run", "=", alarm.run)
    .where("seq", "=", alarm.seq)
    .executeTakeFirst();
  if (refused === undefined) return undefined;
  const row = await trx
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .select("case_alarms.case_id")
    .where("alarms.node", "=", alarm.node)
    .where("alarms.rule", "=", "unreadable-alarm")
    .orderBy("case_alarms.joined_at_ms", "desc")
    .orderBy("case_alarms.alarm_id", "desc")
    .executeTakeFirst();
  return row?.case_id;
}

import type { Trx } from "../store/database.ts";
import type { Change } from "./case-rows.ts";

/** Whether any alarm of the case stands as its node last said, be it late or an event. */
export async function anyStanding({ trx }: Change, caseId: string): Promise<boolean> {
  const found = await standingAlarms(trx, caseId).select("alarms.alarm_id").executeTakeFirst();
  return found !== undefined;
}

/**
 * Whether the case needs a crew though one called it resolved: a live condition stands, or an event has joined since.
 * An event never clears, so that one which the crew has seen says nothing; a late alarm sends nobody by itself.
 */
export async function needsCrewAgain({ trx }: Change, caseId: string): Promise<boolean> {
  const lastLeg = await trx
    .selectFrom("assignments")
    .select("ended_at_ms")
    .where("case_id", "=", caseId)
    .where("state", "=", "done")
    .orderBy("ended_at_ms", "desc")
    .executeTakeFirst();
  const found = await standingAlarms(trx, caseId)
    .select("alarms.alarm_id")
    .where("alarms.late", "=", 0)
    .where((or) =>
      or.or([or("alarms.nature", "=", "condition"), or("case_alarms.joined_at_ms", ">", lastLeg?.ended_at_ms ?? 0)]),
    )
    .executeTakeFirst();
  return found !== undefined;
}

/** Alarms of a case that stand as their node last said. */
export function standingAlarms(trx: Trx, caseId: string) {
  return trx
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .where("case_alarms.case_id", "=", caseId)
    .where("alarms.phase", "!=", "cleared")
    .where("alarms.superseded", "=", 0);
}

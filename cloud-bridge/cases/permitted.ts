import type { AlarmBody } from "../../protocol/alarm.ts";
import { type AlarmRow, bodyOf } from "../alarms/alarm-rows.ts";
import { permitCovering } from "../fleet/permits.ts";
import type { Change } from "./case-rows.ts";
import { standingAlarms } from "./standing.ts";

/**
 * The permit that covers an alarm: the one that its node knows, else one of its site that this bridge was told of.
 * @param atMs when it was loud; one that stands is so now
 */
export async function permitOfAlarm(
  change: Change,
  alarm: AlarmRow,
  body: AlarmBody,
  atMs: number = alarm.state_at_ms,
): Promise<string | undefined> {
  if (body.permit !== undefined) return body.permit;
  const { site_id: siteId, rule } = alarm;
  if (alarm.family !== "noise" || siteId === null) return undefined;
  return permitCovering(change.trx, { siteId, rule, atMs, nowMs: change.nowMs });
}

/** Live alarms of a case that stand, each with the permit that covers it now. */
export async function standingPermits(
  change: Change,
  caseId: string,
): Promise<readonly { readonly alarm: AlarmRow; readonly permit: string | undefined }[]> {
  const alarms = await standingAlarms(change.trx, caseId).selectAll("alarms").where("alarms.late", "=", 0).execute();
  const found: { alarm: AlarmRow; permit: string | undefined }[] = [];
  for (const alarm of alarms) {
    found.push({ alarm, permit: await permitOfAlarm(change, alarm, bodyOf(alarm), change.nowMs) });
  }
  return found;
}

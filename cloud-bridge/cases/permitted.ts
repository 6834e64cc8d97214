import type { AlarmBody } from "../../protocol/alarm.ts";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import { permitCovering } from "../fleet/permits.ts";
import type { Change } from "./case-rows.ts";

/** The permit that covers an alarm: the one that its node knows, else one of its site that this bridge was told of. */
export async function permitOfAlarm(change: Change, alarm: AlarmRow, body: AlarmBody): Promise<string | undefined> {
  if (body.permit !== undefined) return body.permit;
  const { site_id: siteId, rule, state_at_ms: atMs } = alarm;
  if (alarm.family !== "noise" || siteId === null) return undefined;
  return permitCovering(change.trx, { siteId, rule, atMs, nowMs: change.nowMs });
}

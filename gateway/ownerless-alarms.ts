import type { AlarmBody } from "../protocol/alarm.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { JournalWrite, OpenAlarm } from "./contracts/journal.ts";
import { ruleRemoved } from "./pipeline/noise-rule.ts";
import { type Now, stampOf } from "./pipeline/steady-time.ts";
import { TEST_RULE } from "./test-alarm.ts";
import { CAMERA_WATCH } from "./vision/capture/camera-faults.ts";

/** What of the config decides which parts of a gateway start. */
export type Parts = Pick<GatewayConfig, "cameras" | "page">;

/** Whether nobody in this gateway would ever clear this alarm: the part that raised it does not start any more. */
export function isOwnerless({ ruleKind }: AlarmBody, { cameras, page }: Parts): boolean {
  return (ruleKind === CAMERA_WATCH && cameras.length === 0) || (ruleKind === TEST_RULE && page === undefined);
}

/** The end of an alarm of a camera, or of the node itself. */
export function endOfOwnerless({ device, body }: OpenAlarm, now: Now): JournalWrite {
  const about = device === "" ? {} : { device };
  const last = ruleRemoved(body, now);
  return { append: [{ kind: "alarm", ...stampOf(now), ...about, body: last }], closedAlarms: [body.alarmId] };
}

import type { TimeBody } from "../../protocol/bodies.ts";
import type { RecordHead } from "../../protocol/record.ts";

/**
 * UTC of a record as far as its run can tell: from the `time` record nearest to it by the monotonic clock, else from its
 * own stamp where the node's clock was set, else undefined. Nothing is ever re-stamped with it.
 */
export function correctedAtMs(
  record: Pick<RecordHead, "upMs" | "atMs" | "timeQuality">,
  times: readonly TimeBody[],
): number | undefined {
  let nearest: TimeBody | undefined;
  for (const time of times) {
    if (time.quality === "none") continue;
    if (nearest === undefined || Math.abs(time.upMs - record.upMs) < Math.abs(nearest.upMs - record.upMs))
      nearest = time;
  }
  if (nearest !== undefined) return nearest.utcMs + (record.upMs - nearest.upMs);
  return record.timeQuality === "none" ? undefined : record.atMs;
}

import type { AlarmBody } from "../../protocol/alarm.ts";
import { type AlarmRow, bodyOf } from "../alarms/alarm-rows.ts";
import type { Trx } from "../store/database.ts";
import { seenPhase } from "./heard.ts";

/** One alarm of a source, its times as the bridge places them. */
export interface PlacedAlarm {
  readonly body: AlarmBody;
  readonly isCleared: boolean;
  /** It stands: neither cleared nor forgotten by its node. */
  readonly isStanding: boolean;
  /** What the correction of its clock adds to its times. */
  readonly offsetMs: number;
}

/**
 * From when on levels can prove that this alarm's noise has ended: from the start of the window that cleared it, which
 * never counts from before its raise; else from the last moment at which it is known to have stood.
 */
export function proofStartMs({ body, isCleared, offsetMs }: PlacedAlarm): number {
  const window = body.windows.find(({ name }) => name === "clear");
  const proves = isCleared && body.clearReason === "quiet" && window !== undefined;
  const fromMs = proves ? window.fromMs : (body.clearedAtMs ?? body.stateAtMs);
  return Math.max(fromMs, body.raisedAtMs) + offsetMs;
}

export async function placed(trx: Trx, alarm: AlarmRow): Promise<PlacedAlarm> {
  const record = await trx
    .selectFrom("inbox")
    .select(["at_ms", "corrected_at_ms"])
    .where("node", "=", alarm.node)
    .where("run", "=", alarm.run)
    .where("seq", "=", alarm.seq)
    .executeTakeFirst();
  return {
    body: bodyOf(alarm),
    isCleared: seenPhase(alarm) === "cleared",
    isStanding: seenPhase(alarm) === "standing",
    offsetMs: record === undefined ? 0 : (record.corrected_at_ms ?? record.at_ms) - record.at_ms,
  };
}

import type { AlarmBody } from "../../protocol/alarm.ts";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import type { Change } from "./case-rows.ts";
import { inhibitionOf } from "./inhibition.ts";
import { permitOfAlarm } from "./permitted.ts";

/** Why an alarm is recorded and shown, and sends nobody by itself. */
export interface HeldBack {
  readonly permit?: string;
  /** Work at the place of the alarm. */
  readonly inhibition?: { readonly id: string; readonly cause: string };
}

/** @returns undefined where nothing holds it back */
export async function heldBack(change: Change, alarm: AlarmRow, body: AlarmBody): Promise<HeldBack | undefined> {
  const inhibition = await inhibitionOf(change, alarm);
  const permit = await permitOfAlarm(change, alarm, body);
  if (inhibition === undefined && permit === undefined) return undefined;
  return { ...(inhibition === undefined ? {} : { inhibition }), ...(permit === undefined ? {} : { permit }) };
}

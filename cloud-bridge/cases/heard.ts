import type { AlarmBody } from "../../protocol/alarm.ts";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import { BRIDGE_RUN } from "../alarms/reduce.ts";
import type { CaseRow } from "./case-rows.ts";
import type { NewEntry } from "./timeline.ts";

/** What the case remembers of the alarm, to notice the next change. */
export function seenPhase(alarm: Pick<AlarmRow, "phase" | "superseded">): string {
  return alarm.superseded === 1 ? "superseded" : alarm.phase === "cleared" ? "cleared" : "standing";
}

/** Facts that a live alarm brings to its case. */
export function heard(alarm: AlarmRow, body: AlarmBody, row: CaseRow) {
  return {
    last_alarm_at_ms: Math.max(row.last_alarm_at_ms, alarm.raised_at_ms),
    level_db: levelOf(body) ?? row.level_db,
    peak_db: highest(row.peak_db, peakOf(body)),
  };
}

/** What the sensor said, as an entry of the timeline. */
export function said(alarm: AlarmRow, body: AlarmBody, kind: string): NewEntry {
  const level = levelOf(body);
  const isOwn = alarm.run === BRIDGE_RUN;
  return {
    kind,
    actor: isOwn ? "system:watch" : alarm.node,
    channel: isOwn ? "system" : "sensor",
    deviceTimeMs: alarm.state_at_ms,
    ...(body.position === undefined ? {} : { position: body.position }),
    ...(body.folded === undefined
      ? {}
      : { cause: `stands for ${body.folded.count} alarms that the node had no room for` }),
    detail: {
      alarmId: alarm.alarm_id,
      rev: alarm.rev,
      rule: alarm.rule,
      ...(alarm.device === "" ? {} : { device: alarm.device }),
      ...(level === undefined ? {} : { levelDb: level }),
      ...(body.stateAtMs === alarm.state_at_ms ? {} : { stampedAtMs: body.stateAtMs }),
      ...(body.detail === undefined ? {} : { found: body.detail }),
      ...(body.folded === undefined ? {} : { folded: body.folded }),
    },
  };
}

export function levelOf(body: AlarmBody): number | undefined {
  return body.windows.find(({ laeqDb }) => laeqDb !== null)?.laeqDb ?? undefined;
}

export function peakOf(body: AlarmBody): number | undefined {
  return body.family === "noise" ? body.peak?.value : undefined;
}

export function highest(known: number | null, peak: number | undefined): number | null {
  return peak === undefined ? known : Math.max(known ?? peak, peak);
}

import type { AlarmRevision } from "../../cloud-bridge/alarms/reduce.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import type { Subject } from "../../protocol/ids.ts";
import { newAlarmId, newRunId } from "../../protocol/new-ids.ts";

export interface NoiseAlarm {
  readonly nowMs: number;
  readonly alarmId?: string;
  readonly rev?: number;
  readonly phase?: AlarmBody["phase"];
  readonly node?: string;
  readonly device?: string;
  readonly subject?: Subject;
  readonly seq?: number;
  readonly ageMs?: number | undefined;
  readonly permit?: string;
  readonly laeqDb?: number;
  readonly position?: AlarmBody["position"];
}

const RUN = newRunId();

/** A revision of a noise trigger as an edge would send it. */
export function noiseRevision(alarm: NoiseAlarm): AlarmRevision {
  const { nowMs, phase = "raised", rev = 1, laeqDb = 74.2 } = alarm;
  const isCleared = phase === "cleared";
  const body: AlarmBody = {
    alarmId: alarm.alarmId ?? newAlarmId(nowMs),
    rev,
    phase,
    family: "noise",
    nature: "condition",
    rule: "night-noise",
    ruleKind: "trigger",
    raisedAtMs: isCleared ? nowMs - 120_000 : nowMs,
    stateAtMs: nowMs,
    ...(isCleared ? { clearedAtMs: nowMs, clearReason: "quiet" as const } : {}),
    limits: { raiseDb: 70, clearDb: 67 },
    windows: isCleared
      ? [{ name: "clear", fromMs: nowMs - 60_000, toMs: nowMs, n: 60, valid: 60, laeqDb: 55, lamaxDb: 60 }]
      : [{ name: "raise", fromMs: nowMs - 10_000, toMs: nowMs, n: 10, valid: 10, laeqDb, lamaxDb: laeqDb + 3 }],
    peak: { value: 77.1, unit: "dB(A)", atMs: nowMs },
    ...(alarm.position === undefined ? {} : { position: alarm.position }),
    ...(alarm.permit === undefined ? {} : { permit: alarm.permit }),
    evidence: [],
  };
  return {
    node: alarm.node ?? "site-042",
    device: alarm.device ?? "noise-01",
    ...(alarm.subject === undefined ? {} : { subject: alarm.subject }),
    run: RUN,
    seq: alarm.seq ?? rev,
    body,
    ageMs: "ageMs" in alarm ? alarm.ageMs : 20,
  };
}

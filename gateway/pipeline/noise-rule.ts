import type { AlarmBody } from "../../protocol/alarm.ts";
import type { Position } from "../../protocol/ids.ts";
import { validLevelDb } from "./level-statistics.ts";
import type { TrackedLevel } from "./level-track.ts";
import type { NightClock } from "./night-clock.ts";
import type { PermitSettings } from "./settings.ts";
import type { Now } from "./steady-time.ts";

/** What a rule needs of the pipeline around it. */
export interface RuleSurroundings {
  readonly night: NightClock;
  readonly permits: readonly PermitSettings[];
  position(): Position | undefined;
  newAlarmId(atMs: number): string;
  /** Id of the evidence that this raise will have. */
  newEvidenceId(alarmId: string, rev: number): string;
}

/** A revision that must be committed now. */
export interface Revision {
  readonly body: AlarmBody;
  /** The evidence that this raise calls for. */
  readonly evidenceId?: string;
}

/** What listens to the levels of one stream. Only a level moves it: what does not come neither raises nor clears. */
export interface NoiseRule {
  /** Takes up what an earlier run left; a time that lies ahead of the clock counts as now. */
  restore(open: AlarmBody | undefined, recent: AlarmBody | undefined, slot: number, now: Now): void;
  /** Looks at the newest level of the track. */
  observe(level: TrackedLevel, now: Now): Revision | undefined;
}

export type Peak = AlarmBody["peak"];

export function higherPeak(peak: Peak, level: TrackedLevel | undefined): Peak {
  const value = validLevelDb(level ?? { levelDb: null, flags: [] });
  if (value === undefined || level === undefined || (peak !== undefined && peak.value >= value)) return peak;
  return { value, unit: "dB(A)", atMs: level.atMs };
}

/** The permit that covers a rule at that time; a clock that nobody trusts cannot judge one. */
export function permitAt(
  permits: readonly PermitSettings[],
  rule: string,
  atMs: number,
  { timeQuality }: Now,
): string | undefined {
  if (timeQuality === "none") return undefined;
  const covers = ({ fromMs, toMs, rules }: PermitSettings): boolean =>
    fromMs <= atMs && atMs < toMs && (rules === undefined || rules.includes(rule));
  return permits.find(covers)?.id;
}

/** An alarm whose rule is no longer there ends by saying so. */
export function ruleRemoved(body: AlarmBody, now: Now): AlarmBody {
  const { rev } = body;
  return {
    ...body,
    rev: rev + 1,
    phase: "cleared",
    stateAtMs: now.atMs,
    clearedAtMs: now.atMs,
    clearReason: "rule-removed",
  };
}

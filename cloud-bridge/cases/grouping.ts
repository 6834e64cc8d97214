import type { AlarmFamily } from "../../protocol/alarm.ts";
import type { Position } from "../../protocol/ids.ts";
import { distanceM } from "../roster/distance.ts";

/** What grouping looks at in an alarm whose follow-up is due. */
export interface GroupingAlarm {
  readonly family: AlarmFamily;
  readonly siteId?: string;
  readonly position?: Position;
  /** When it was raised, corrected where that is known. */
  readonly raisedAtMs: number;
  readonly late: boolean;
  /** The case "unreadable alarm" of its node, when its record was refused before and could be read after an upgrade. */
  readonly unreadableCaseId?: string;
}

/** What grouping looks at in a case. */
export interface GroupingCase {
  readonly id: string;
  /** Rises with each case: decides between equals. */
  readonly number: number;
  readonly family: AlarmFamily;
  /** Not closed in any way; a suspended one is open. */
  readonly isOpen: boolean;
  readonly state: string;
  readonly siteId?: string;
  readonly position?: Position;
  readonly lastAlarmAtMs: number;
}

export interface GroupingSettings {
  /** R, metres. */
  readonly radiusM: number;
  /** T, ms, between the alarm and the case's last one. */
  readonly withinMs: number;
}

export const DEFAULT_GROUPING: GroupingSettings = { radiusM: 300, withinMs: 30 * 60_000 };

/** `bringsBack`: the case was resolved or being verified, and returns to on-scene. A late alarm never does that. */
export type GroupingDecision =
  | { readonly act: "open" }
  | { readonly act: "join"; readonly caseId: string; readonly how: JoinReason; readonly bringsBack: boolean };

export type JoinReason = "same-site" | "near" | "replayed";

/**
 * Which open case an alarm joins, or that it opens one. At its own site it joins a case of its family whatever the time;
 * elsewhere within R metres and T minutes of the case's last alarm. An officer's emergency always has its own case.
 * Pure and deterministic: called by the one elected writer, so that grouping is serial.
 */
export function groupAlarm(
  alarm: GroupingAlarm,
  cases: readonly GroupingCase[],
  settings: GroupingSettings = DEFAULT_GROUPING,
): GroupingDecision {
  if (alarm.family === "emergency") return { act: "open" };
  const replayed = cases.find(({ id, isOpen }) => isOpen && id === alarm.unreadableCaseId);
  if (replayed !== undefined) return join(replayed, "replayed", alarm);
  const open = cases.filter(({ isOpen, family }) => isOpen && family === alarm.family);
  const here = open
    .filter(({ siteId }) => siteId !== undefined && siteId === alarm.siteId)
    .sort((a, b) => b.lastAlarmAtMs - a.lastAlarmAtMs || a.number - b.number)[0];
  if (here !== undefined) return join(here, "same-site", alarm);
  const near = open
    .map((found) => ({ found, distanceM: distanceM(alarm.position, found.position) }))
    .filter(
      ({ found, distanceM: far }) =>
        far <= settings.radiusM && Math.abs(alarm.raisedAtMs - found.lastAlarmAtMs) <= settings.withinMs,
    )
    .sort((a, b) => a.distanceM - b.distanceM || a.found.number - b.found.number)[0];
  return near === undefined ? { act: "open" } : join(near.found, "near", alarm);
}

function join(found: GroupingCase, how: JoinReason, alarm: GroupingAlarm): GroupingDecision {
  const isResolved = found.state === "resolved" || found.state === "verifying";
  return { act: "join", caseId: found.id, how, bringsBack: isResolved && !alarm.late };
}

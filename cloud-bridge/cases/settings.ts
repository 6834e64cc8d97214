import { DEFAULT_SILENCE, type SilenceLimits } from "../alarms/fault-watch.ts";
import { type CandidateSettings, DEFAULT_CANDIDATES } from "../roster/candidates.ts";
import type { PolicySettings } from "./dispatch-policy.ts";
import { DEFAULT_GROUPING, type GroupingSettings } from "./grouping.ts";

/** Numbers of the desk. All are settings of the bridge's configuration. */
export interface DeskSettings extends PolicySettings {
  readonly grouping: GroupingSettings;
  readonly candidates: CandidateSettings;
  readonly silence: SilenceLimits;
  /** Without a word from the crew for this long, the next one is sent. */
  readonly acknowledgeMs: number;
  /** When nobody can be sent, the roster is looked at again after this. */
  readonly retryMs: number;
  /** A crew that declined or did not answer is not asked again for the same case within this. */
  readonly barredMs: number;
  /** A case that ended less than this ago is reopened by a new alarm of its family at its site. */
  readonly recurrenceMs: number;
  /** Proven quiet for this long closes a noise case. */
  readonly quietMs: number;
  /** A case that was being verified for this long without proof needs the word of a named person. */
  readonly giveUpMs: number;
  /** Of a minute's seconds, at least this part must be valid for the minute to count as quiet. */
  readonly quietValidPct: number;
  /** Levels older than this prove nothing about now; never scaled. */
  readonly freshLevelsMs: number;
  /** Geofence of a site that names none. */
  readonly radiusM: number;
  /** Of the city: what calendars go by that name no other. */
  readonly timeZone: string;
  /** A page that was away for less than this catches up with what it missed. */
  readonly keepEventsMs: number;
  /** A whistle starts once the district's grid centre has reviewed it; without, as soon as it is blown. */
  readonly reviewWhistles: boolean;
  /** Divides waiting times in demonstrations; rules, latencies and records are never scaled. */
  readonly timeScale: number;
}

export const DEFAULT_DESK: DeskSettings = {
  dispatch: { policy: "auto-after", afterSeconds: 60 },
  exceptions: [],
  night: { from: "22:00", to: "06:00" },
  grouping: DEFAULT_GROUPING,
  candidates: DEFAULT_CANDIDATES,
  silence: DEFAULT_SILENCE,
  acknowledgeMs: 120_000,
  retryMs: 15_000,
  barredMs: 10 * 60_000,
  recurrenceMs: 4 * 3600_000,
  quietMs: 10 * 60_000,
  giveUpMs: 12 * 3600_000,
  quietValidPct: 75,
  freshLevelsMs: 150_000,
  radiusM: 150,
  timeZone: "Asia/Shanghai",
  keepEventsMs: 24 * 3600_000,
  reviewWhistles: true,
  timeScale: 1,
};

/** The one place where a waiting time is scaled. */
export function scaledMs(settings: Pick<DeskSettings, "timeScale">, ms: number): number {
  return Math.max(1, Math.round(ms / settings.timeScale));
}

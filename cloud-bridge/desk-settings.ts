import type { SilenceLimits } from "./alarms/fault-watch.ts";
import { DEFAULT_DESK, type DeskSettings } from "./cases/settings.ts";
import type { BridgeDocument } from "./config-schema.ts";
import type { EvidenceLimits } from "./evidence/blob-intake.ts";
import type { Terms } from "./store/retention.ts";
import type { RoomLimits } from "./store/room.ts";

const KMH_PER_MPS = 3.6;
const GIGABYTE = 1e9;
const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;

export function evidenceLimits({ evidence, retention }: BridgeDocument): Partial<EvidenceLimits> {
  const { maxGigabytes, maxGigabytesPerNode, keepDays } = evidence;
  return {
    maxBytes: maxGigabytes * GIGABYTE,
    maxBytesPerNode: maxGigabytesPerNode * GIGABYTE,
    ...(keepDays === undefined ? {} : { keepMs: keepDays * DAY_MS }),
    caseMs: retention.casesDays * DAY_MS,
  };
}

/** The config's words, in the units of the desk. What the config does not name keeps the desk's own default. */
export function deskSettings(config: BridgeDocument, timeScale: number): DeskSettings {
  const { dispatch, grouping, verification, silence, retention } = config;
  const limits: SilenceLimits = {
    ...DEFAULT_DESK.silence,
    nodeMs: silence.nodeSeconds * 1000,
    deviceMs: silence.deviceSeconds * 1000,
  };
  return {
    ...DEFAULT_DESK,
    dispatch: { policy: dispatch.policy, afterSeconds: dispatch.afterSeconds },
    exceptions: dispatch.exceptions.map((one) => ({ ...one, afterSeconds: one.afterSeconds ?? dispatch.afterSeconds })),
    night: dispatch.night,
    grouping: { ...DEFAULT_DESK.grouping, radiusM: grouping.radiusM, withinMs: grouping.minutes * 60_000 },
    candidates: {
      ...DEFAULT_DESK.candidates,
      mutualAid: dispatch.mutualAid,
      authority: dispatch.authority,
      freshFixMs: dispatch.maxFixAgeSeconds * 1000,
      detourFactor: dispatch.detourFactor,
      speedMps: dispatch.speedKmh / KMH_PER_MPS,
    },
    silence: limits,
    recurrenceMs: verification.reopenHours * 3600_000,
    quietMs: verification.quietMinutes * 60_000,
    giveUpMs: verification.giveUpHours * 3600_000,
    radiusM: dispatch.geofenceM,
    timeZone: config.timeZone,
    keepEventsMs: retention.eventsDays * DAY_MS,
    reviewWhistles: config.whistles.review,
    timeScale,
  };
}

export function termsOf({ retention }: BridgeDocument): Terms {
  const { recordsDays, levelsDays, positionsDays, healthDays, hoursDays, quarantineDays, casesDays } = retention;
  const days = { records: recordsDays, levels: levelsDays, positions: positionsDays, health: healthDays };
  return { days, hoursDays, quarantineDays, caseDays: casesDays };
}

export function roomLimits({ retention, store }: BridgeDocument): RoomLimits {
  const { budgetGiB, minFreeGiB } = retention;
  return {
    budgetBytes: budgetGiB === undefined ? undefined : Math.round(budgetGiB * GIB),
    minFreeBytes: minFreeGiB * GIB,
    isDatabaseHere: store === "sqlite",
  };
}

import type { HandsetPosition } from "../radio.ts";
import type { LipReport, LipTime } from "./lip.ts";

const HALF_DAY_MS = 12 * 3_600_000;

/**
 * @param nowMs UTC; undefined where nobody knows it, as in a capture
 * @returns undefined without a fix. `estimated` where the report does not say how old its fix is, or says a time that
 * is more than half a day away.
 */
export function positionOf(report: LipReport, nowMs: number | undefined): HandsetPosition | undefined {
  const { place, speedMps, bearingDeg, maxAgeMs, time } = report;
  if (place === undefined) return undefined;
  const fixAtMs = time === undefined || nowMs === undefined ? undefined : nearest(time, nowMs);
  const isDated = maxAgeMs !== undefined || fixAtMs !== undefined || (time !== undefined && nowMs === undefined);
  const ageMs = fixAtMs === undefined || nowMs === undefined ? oldAge(maxAgeMs) : Math.max(0, nowMs - fixAtMs);
  return {
    ...place,
    ...(speedMps !== undefined && { speedMps }),
    ...(bearingDeg !== undefined && { bearingDeg }),
    fix: isDated ? "gnss" : "estimated",
    ...(fixAtMs !== undefined && { fixAtMs }),
    ...(ageMs > 0 && { ageMs }),
  };
}

/** "Less than 5 s" is now; of the other classes the oldest, so that an old place is never taken for a new one. */
function oldAge(maxAgeMs: number | undefined): number {
  return maxAgeMs === undefined || maxAgeMs <= 5000 ? 0 : maxAgeMs;
}

/** The moment nearest to now that has this day of the month and time of day. */
function nearest({ day, hour, minute, second }: LipTime, nowMs: number): number | undefined {
  const now = new Date(nowMs);
  const candidates = [-1, 0, 1]
    .map((months) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, day, hour, minute, second)))
    .filter((candidate) => candidate.getUTCDate() === day)
    .map((candidate) => candidate.getTime())
    .sort((a, b) => Math.abs(a - nowMs) - Math.abs(b - nowMs));
  const [closest] = candidates;
  return closest !== undefined && Math.abs(closest - nowMs) <= HALF_DAY_MS && closest >= 0 ? closest : undefined;
}

import type { AlarmPhase } from "../../protocol/alarm.ts";
import { LATE_MS } from "../../protocol/limits.ts";

/** What the bridge knows about when an alarm's record was made. */
export interface AgeFacts {
  /** The run's monotonic time when the record was made. */
  readonly upMs: number;
  /** The same clock when the envelope left; only envelopes of the running run carry it. */
  readonly envelopeUpMs?: number;
  /** For a run that has ended: the record's corrected UTC, see store/time-marks. */
  readonly correctedAtMs?: number;
  /** The bridge's UTC. */
  readonly nowMs: number;
}

/**
 * Age of a record at its arrival, in ms; undefined when nobody can tell: it then counts as live and the node's clock as
 * untrusted. A corrected time that lies more than ten minutes ahead of the bridge tells nothing either.
 */
export function ageMs({ upMs, envelopeUpMs, correctedAtMs, nowMs }: AgeFacts): number | undefined {
  if (envelopeUpMs !== undefined && envelopeUpMs >= upMs) return envelopeUpMs - upMs;
  if (correctedAtMs === undefined || correctedAtMs > nowMs + LATE_MS) return undefined;
  return Math.max(0, nowMs - correctedAtMs);
}

/** Whether a revision is history: too old, or of an alarm that has cleared. Judged on the newest revision, when its case opens. */
export function isLate(age: number | undefined, phase: AlarmPhase): boolean {
  return phase === "cleared" || (age !== undefined && age > LATE_MS);
}

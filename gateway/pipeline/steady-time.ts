import type { TimeQuality } from "../../protocol/ids.ts";
import type { NewRecord } from "../../protocol/record.ts";

/** The node's clocks at one moment. */
export interface Now {
  /** UTC that the node believes; may jump. */
  readonly atMs: number;
  /** Milliseconds since the start of the run; never jumps. */
  readonly upMs: number;
  readonly timeQuality: TimeQuality;
}

/** With a clock that stands before the newest level that was restored, nobody knows how long the node was off. */
const UNKNOWN_PAUSE_MS = 3_600_000;
/** UTC that runs this far from the steady clock has been stepped, not slewed. */
const STEP_MS = 700;

/**
 * A clock for windows: it starts at the UTC of the start and then only follows the monotonic clock, so that no step of UTC
 * (the first NTP answer, a receiver's fix) can stretch, empty or double a window. Each second of it is a *slot*. What a
 * slot is called in UTC follows the node's clock, by whole seconds.
 */
export class SteadyTime {
  readonly #baseMs: number;
  #utcLeadS = 0;

  /** @param newestRestoredMs UTC of the newest level of the run before */
  constructor(now: Now, newestRestoredMs: number | undefined) {
    const startMs =
      newestRestoredMs !== undefined && newestRestoredMs >= now.atMs + STEP_MS
        ? newestRestoredMs + UNKNOWN_PAUSE_MS
        : now.atMs;
    this.#baseMs = startMs - now.upMs;
    this.follow(now);
  }

  steadyMs(now: Now): number {
    return now.upMs + this.#baseMs;
  }

  /** Takes over a step of UTC. */
  follow(now: Now): void {
    const leadMs = now.atMs - this.steadyMs(now);
    if (Math.abs(leadMs - this.#utcLeadS * 1000) > STEP_MS) this.#utcLeadS = Math.round(leadMs / 1000);
  }

  /** UTC of the beginning of a slot, as the node believes now. */
  utcOfSlot(slot: number): number {
    return Math.max(0, (slot + this.#utcLeadS) * 1000);
  }
}

/** The head of a record made now. */
export function stampOf({ atMs, upMs, timeQuality }: Now): Pick<NewRecord, "atMs" | "upMs" | "timeQuality"> {
  return { atMs: Math.max(0, Math.round(atMs)), upMs: Math.max(0, Math.round(upMs)), timeQuality };
}

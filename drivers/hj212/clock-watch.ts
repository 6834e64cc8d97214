import { DriverError } from "../errors.ts";

/** An offset that stays the same so long, to within so much, is the clock's; reports from a memory come faster than time. */
const STEADY_AFTER_MS = 10_000;
const STEADY_WITHIN_MS = 5_000;

export interface ClockVerdict {
  /** The report is of now, by a clock that may be wrong. */
  readonly isLive: boolean;
  /** Seconds by which the clock is ahead, where that is more than is allowed. */
  readonly offsetS?: number;
}

/**
 * Tells a station whose clock is wrong from one that sends late: the times that it says of its messages run beside ours
 * at a steady distance, or they do not.
 */
export class ClockWatch {
  readonly #maxOffsetMs: number;
  #anchor: { readonly upMs: number; readonly offsetMs: number } | undefined;

  constructor(maxOffsetS: number) {
    this.#maxOffsetMs = maxOffsetS * 1000;
  }

  /** @param saidMs the station's time at which it made the message */
  judge(saidMs: number, nowMs: number, upMs: number, isBackfill: boolean): ClockVerdict {
    const offsetMs = saidMs - nowMs;
    if (isBackfill) return { isLive: false };
    const isNew = this.#anchor === undefined || Math.abs(offsetMs - this.#anchor.offsetMs) > STEADY_WITHIN_MS;
    if (isNew) this.#anchor = { upMs, offsetMs };
    if (Math.abs(offsetMs) <= this.#maxOffsetMs) return { isLive: true };
    const isSteady = upMs - (this.#anchor?.upMs ?? upMs) >= STEADY_AFTER_MS;
    return { isLive: isSteady, offsetS: Math.round(offsetMs / 1000) };
  }
}

export function clockFault(offsetS: number): DriverError {
  const side = offsetS < 0 ? "behind" : "ahead";
  return new DriverError("HJ212_CLOCK", `the station's time is ${Math.abs(offsetS)} s ${side}`, {
    retry: "backoff",
    hint: "Its clock is wrong, or it sends late. Values keep the station's time and say so; set its clock, or setTime: true.",
  });
}

/** The bridge's clock: UTC, which may jump, and a monotonic count for ages and intervals. Virtual in tests. */
export interface BridgeClock {
  /** UTC, ms. */
  nowMs(): number;
  /** Milliseconds since the process started; never jumps. */
  upMs(): number;
}

export const systemClock: BridgeClock = {
  nowMs: () => Date.now(),
  upMs: () => Math.round(performance.now()),
};

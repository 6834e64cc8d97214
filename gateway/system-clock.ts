import { uptime } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../drivers/driver.ts";

/** Where a machine's time comes from; replaced in tests. */
export interface TimeSources {
  readonly utcMs: () => number;
  /** Never set, and stands still while the machine is suspended. */
  readonly steadyMs: () => number;
  /** Since the machine's boot, its sleep included; coarse, and slow to read. */
  readonly bootMs: () => number;
}

const MACHINE: TimeSources = {
  utcMs: () => Date.now(),
  steadyMs: () => performance.now(),
  bootMs: () => uptime() * 1000,
};

const LOOK_EVERY_MS = 1000;
/** Less than this between the two clocks is how coarse the one is, not a sleep. */
const SLEPT_MS = 2000;

/**
 * The machine's own clocks. `upMs` counts from the call, does not follow a clock that is set, and goes on while the machine
 * is suspended: what was recorded before a sleep is as old as the sleep was long. Seen within a second of waking.
 */
export function systemClock({ utcMs, steadyMs, bootMs }: TimeSources = MACHINE): Clock {
  const startMs = steadyMs();
  const bootAtStartMs = bootMs();
  let sleptMs = 0;
  let lookedMs = startMs;
  return {
    nowMs: () => utcMs(),
    upMs() {
      const nowMs = steadyMs();
      if (nowMs - lookedMs >= LOOK_EVERY_MS) {
        lookedMs = nowMs;
        const aheadMs = bootMs() - bootAtStartMs - (nowMs - startMs);
        if (aheadMs - sleptMs > SLEPT_MS) sleptMs = aheadMs;
      }
      return Math.floor(nowMs - startMs + sleptMs);
    },
    async sleep(ms, signal) {
      if (signal?.aborted) return;
      try {
        await wait(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    },
  };
}

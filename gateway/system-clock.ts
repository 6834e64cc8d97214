import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../drivers/driver.ts";

/** The machine's own clocks. `upMs` counts from the call, and does not follow a clock that is set. */
export function systemClock(): Clock {
  const startMs = performance.now();
  return {
    nowMs: () => Date.now(),
    upMs: () => Math.floor(performance.now() - startMs),
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

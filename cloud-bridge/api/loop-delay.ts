import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;
const WINDOW_MS = 60_000;
const NS_PER_MS = 1e6;

/** How late this process serves its own timers: a start long ago must not hide that it is slow now. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #lastWindowMs = 0;

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#lastWindowMs = this.#currentMs();
      this.#histogram.reset();
    }, WINDOW_MS);
    this.#timer.unref();
  }

  /** Of the minute that runs and the one before, the worse. */
  get p99Ms(): number {
    return Math.max(this.#lastWindowMs, this.#currentMs());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  /** The histogram holds the time between two samples, their own distance included. */
  #currentMs(): number {
    const betweenMs = this.#histogram.percentile(99) / NS_PER_MS;
    return Math.round(Math.max(0, betweenMs - RESOLUTION_MS) * 10) / 10;
  }
}

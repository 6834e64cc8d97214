import type { Clock } from "../../drivers/driver.ts";

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  wake(): void;
}

/** A clock that stands still until `advance`. Sleepers wake in order, and what they start runs before the next one wakes. */
export class VirtualClock implements Clock {
  #upMs = 0;
  #offsetMs: number;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startAtMs = Date.UTC(2026, 10, 21, 14, 0, 0)) {
    this.#offsetMs = startAtMs;
  }

  nowMs(): number {
    return this.#offsetMs + this.#upMs;
  }

  upMs(): number {
    return this.#upMs;
  }

  /** Lets UTC jump, as a set clock does; the monotonic time does not notice. */
  jumpUtc(byMs: number): void {
    this.#offsetMs += byMs;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { atMs: this.#upMs + Math.max(0, ms), order: this.#order++, wake: resolve };
    const onAbort = () => {
      this.#sleepers.delete(sleeper);
      resolve();
    };
    this.#sleepers.add(sleeper);
    signal?.addEventListener("abort", onAbort, { once: true });
    await promise;
    signal?.removeEventListener("abort", onAbort);
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#upMs + ms;
    await settle();
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.atMs > untilMs) break;
      this.#upMs = Math.max(this.#upMs, next.atMs);
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#upMs = untilMs;
    await settle();
  }

  #earliest(): Sleeper | undefined {
    let earliest: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (
        earliest === undefined ||
        sleeper.atMs < earliest.atMs ||
        (sleeper.atMs === earliest.atMs && sleeper.order < earliest.order)
      ) {
        earliest = sleeper;
      }
    }
    return earliest;
  }
}

/** Lets everything that is ready run: promises, then what they queued. */
async function settle(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  await promise;
}

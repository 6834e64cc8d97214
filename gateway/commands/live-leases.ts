import { LIVE_LEASE_MS } from "../../protocol/limits.ts";

/** Who is being watched: each lease holds for 60 s from its last renewal. Time is the run's monotonic one. */
export class LiveLeases {
  readonly #upMs: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(upMs: () => number) {
    this.#upMs = upMs;
  }

  renew(device: string): void {
    this.#untilMs.set(device, this.#upMs() + LIVE_LEASE_MS);
  }

  isWatched(device: string): boolean {
    const until = this.#untilMs.get(device);
    if (until === undefined) return false;
    if (until >= this.#upMs()) return true;
    this.#untilMs.delete(device);
    return false;
  }
}

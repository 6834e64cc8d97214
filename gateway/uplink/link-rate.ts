const START_BYTES_PER_S = 64 * 1024;
const FLOOR_BYTES_PER_S = 512;
const CEILING_BYTES_PER_S = 1024 * 1024;
const QUEUE_MS = 500;

/**
 * What the link seems to carry, in bytes a second: configured, or felt for by delay. A round trip that is longer than the
 * shortest one by more than half a second means that messages queue on the line, so less is sent; else a little more.
 */
export class LinkRate {
  readonly #isConfigured: boolean;
  #bytesPerS: number;
  #shortestMs = Number.POSITIVE_INFINITY;
  #slowedAtMs = Number.NEGATIVE_INFINITY;

  constructor(configuredBytesPerS?: number) {
    this.#isConfigured = configuredBytesPerS !== undefined;
    this.#bytesPerS = configuredBytesPerS ?? START_BYTES_PER_S;
  }

  get bytesPerS(): number {
    return this.#bytesPerS;
  }

  /** One round trip of something that was sent once. */
  sample(roundTripMs: number, nowMs: number): void {
    this.#shortestMs = Math.min(this.#shortestMs * 1.001, roundTripMs);
    if (this.#isConfigured) return;
    if (roundTripMs <= this.#shortestMs + QUEUE_MS) {
      this.#bytesPerS = Math.min(CEILING_BYTES_PER_S, this.#bytesPerS * 1.1);
    } else if (nowMs - this.#slowedAtMs > roundTripMs) {
      this.#bytesPerS = Math.max(FLOOR_BYTES_PER_S, this.#bytesPerS * 0.6);
      this.#slowedAtMs = nowMs;
    }
  }
}

const START_BYTES_PER_S = 16 * 1024;
const FLOOR_BYTES_PER_S = 512;
const CEILING_BYTES_PER_S = 1024 * 1024;
/** Half a second is on the line when all is well; what is later has queued, or was lost and repeated by TCP. */
const QUEUE_MS = 600;
const FIRST_GROWTH = 1.5;
const GROWTH = 1.05;
const LEAST_CUT = 0.85;
const MOST_CUT = 0.5;
const SHORTEST_OF_MS = 30_000;
const DELIVERED_OF_MS = 10_000;

/** Something that the broker has acknowledged, and how it went. */
export interface Landing {
  readonly wireBytes: number;
  readonly sentAtMs: number;
  /** When it went, the rate allowed no more. */
  readonly wasUsedUp: boolean;
}

/**
 * What the line seems to carry, in bytes a second: configured, or felt for. It grows only by answers to messages that went
 * while the rate was used up: those of an idle node say nothing about it. An answer that is later than the shortest of the
 * last minute by more than a full line explains means that messages queue; what came through meanwhile is then what the line
 * carries.
 */
export class LinkRate {
  readonly #isConfigured: boolean;
  #bytesPerS: number;
  #shortest: readonly [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  #shortestSinceMs = 0;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #hasQueued = false;
  #delivered: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(configuredBytesPerS?: number) {
    this.#isConfigured = configuredBytesPerS !== undefined;
    this.#bytesPerS = configuredBytesPerS ?? START_BYTES_PER_S;
  }

  get bytesPerS(): number {
    return this.#bytesPerS;
  }

  landed({ sentAtMs, wireBytes, wasUsedUp }: Landing, nowMs: number): void {
    if (this.#isConfigured) return;
    const roundTripMs = nowMs - sentAtMs;
    this.#noteShortest(roundTripMs, nowMs);
    const recent = this.#delivered.filter(({ atMs }) => nowMs - atMs < DELIVERED_OF_MS);
    this.#delivered = [...recent, { atMs: nowMs, bytes: wireBytes }];
    if (roundTripMs <= Math.min(...this.#shortest) + QUEUE_MS) {
      if (!wasUsedUp) return;
      this.#bytesPerS = Math.min(CEILING_BYTES_PER_S, this.#bytesPerS * (this.#hasQueued ? GROWTH : FIRST_GROWTH));
    } else if (sentAtMs >= this.#cutAtMs) {
      this.#cut(Math.min(DELIVERED_OF_MS, Math.max(1000, roundTripMs)), nowMs);
    }
  }

  /** Messages that went before the last cut say nothing about what came of it. */
  #cut(overMs: number, nowMs: number): void {
    const bytes = this.#delivered.reduce((sum, { atMs, bytes }) => (nowMs - atMs < overMs ? sum + bytes : sum), 0);
    const carriedPerS = (bytes * 1000) / overMs;
    const cut = Math.max(this.#bytesPerS * MOST_CUT, Math.min(this.#bytesPerS * LEAST_CUT, carriedPerS));
    this.#bytesPerS = Math.max(FLOOR_BYTES_PER_S, cut);
    this.#cutAtMs = nowMs;
    this.#hasQueued = true;
  }

  #noteShortest(roundTripMs: number, nowMs: number): void {
    const [current, before] = this.#shortest;
    if (nowMs - this.#shortestSinceMs > SHORTEST_OF_MS) {
      this.#shortest = [roundTripMs, current];
      this.#shortestSinceMs = nowMs;
    } else this.#shortest = [Math.min(current, roundTripMs), before];
  }
}

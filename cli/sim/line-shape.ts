/** What a line does to packets, in each direction. */
export interface LineShape {
  readonly rateBytesPerS: number;
  /** One way, beside the time on a full line. */
  readonly delayMs: number;
  /** Share of packets that vanish, 0 to 1. */
  readonly lossShare: number;
  /** What waits for the line at most; more is dropped at its tail. */
  readonly queueBytes: number;
}

/** The line that DESIGN measures by: a bad 3G, 64 kbit/s and 300 ms there and back, three packets in a hundred lost. */
export const BAD_3G: LineShape = { rateBytesPerS: 8_000, delayMs: 150, lossShare: 0.03, queueBytes: 16_000 };

/** One direction of a line: each packet takes its time, one after the other, then the delay. */
export class PacedLine {
  readonly #random: () => number;
  shape: LineShape;
  #freeAtMs = 0;

  constructor(shape: LineShape, random: () => number = Math.random) {
    this.shape = shape;
    this.#random = random;
  }

  /** @returns when the packet arrives; undefined when it is lost or finds the queue full */
  carry(sizeBytes: number, nowMs: number): number | undefined {
    const { rateBytesPerS, delayMs, lossShare, queueBytes } = this.shape;
    const waitsMs = Math.max(0, this.#freeAtMs - nowMs);
    if (waitsMs > 0 && (waitsMs * rateBytesPerS) / 1000 + sizeBytes > queueBytes) return undefined;
    this.#freeAtMs = nowMs + waitsMs + (sizeBytes * 1000) / rateBytesPerS;
    // A lost packet has used the line all the same.
    return this.#random() < lossShare ? undefined : this.#freeAtMs + delayMs;
  }
}

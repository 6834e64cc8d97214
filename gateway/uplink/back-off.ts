const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

/** Pauses between attempts to connect: doubling from 1 s to 60 s, each drawn from the upper half, so that a city's nodes do not return together. */
export class BackOff {
  readonly #random: () => number;
  #nextMs = FIRST_MS;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** The bridge has answered: the next trouble begins from the start. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }

  next(): number {
    const ms = this.#nextMs * (0.5 + this.#random() / 2);
    this.#nextMs = Math.min(LONGEST_MS, this.#nextMs * 2);
    return Math.round(ms);
  }
}

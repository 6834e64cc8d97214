/** When each unit was asked, as the slave sees it: how far the pauses are from the period. */
export class PollTimes {
  readonly #periodMs: number;
  readonly #lastMs = new Map<number, number>();
  #deviations: number[] = [];

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  heard(unit: number, atMs = performance.now()): void {
    const last = this.#lastMs.get(unit);
    if (last !== undefined) this.#deviations.push(Math.abs(atMs - last - this.#periodMs));
    this.#lastMs.set(unit, atMs);
  }

  /** @returns ms, of every pause that ended since the last call */
  take(): readonly number[] {
    const taken = this.#deviations;
    this.#deviations = [];
    return taken;
  }
}

import type { LevelFlag, NoiseQuantity } from "../../protocol/noise.ts";
import { type LevelSample, validLevelDb } from "./level-statistics.ts";
import { SecondGrid } from "./second-grid.ts";
import type { Stream } from "./stream.ts";

/** One second of one stream. */
export interface TrackedLevel extends LevelSample {
  /** Second of the steady clock. */
  readonly slot: number;
  /** UTC of its beginning, as the node believed when it came. */
  readonly atMs: number;
  readonly quantity: NoiseQuantity;
  readonly flags: readonly LevelFlag[];
}

/** The last minutes of one stream, second by second; what is not there is a gap. */
export class LevelTrack {
  readonly stream: Stream;
  readonly key: string;
  readonly grid = new SecondGrid();
  readonly #keepSlots: number;
  #levels: TrackedLevel[] = [];

  constructor(stream: Stream, key: string, keepSlots: number) {
    this.stream = stream;
    this.key = key;
    this.#keepSlots = keepSlots;
  }

  get newest(): TrackedLevel | undefined {
    return this.#levels.at(-1);
  }

  add(level: TrackedLevel): void {
    this.#levels.push(level);
    if (this.#levels.length < 2 * this.#keepSlots) return;
    const oldest = level.slot - this.#keepSlots;
    this.#levels = this.#levels.filter(({ slot }) => slot > oldest);
  }

  /** Slots `from`..`to`, both included; undefined where there is a gap. */
  window(from: number, to: number): (TrackedLevel | undefined)[] {
    const window: (TrackedLevel | undefined)[] = Array.from({ length: Math.max(0, to - from + 1) });
    for (let index = this.#levels.length - 1; index >= 0; index--) {
      const level = this.#levels[index];
      if (level === undefined || level.slot < from) break;
      if (level.slot <= to) window[level.slot - from] = level;
    }
    return window;
  }

  /** All that is kept, oldest first. */
  all(): readonly TrackedLevel[] {
    return this.#levels;
  }

  /** The loudest valid level since a slot. */
  peakSince(slot: number): TrackedLevel | undefined {
    let peak: TrackedLevel | undefined;
    for (const level of this.#levels) {
      const levelDb = level.slot < slot ? undefined : validLevelDb(level);
      if (levelDb !== undefined && levelDb > (peak?.levelDb ?? Number.NEGATIVE_INFINITY)) peak = level;
    }
    return peak;
  }
}

import { encodeLevels } from "../../protocol/level-series.ts";
import type { NoiseBody } from "../../protocol/noise.ts";
import { levelStatistics, roundedStatistics } from "./level-statistics.ts";
import type { TrackedLevel } from "./level-track.ts";

const MINUTE_MS = 60_000;

/** A minute that is complete, whether or not all of its seconds came. */
export interface RolledMinute {
  /** UTC at which the minute ended. */
  readonly endMs: number;
  readonly body: NoiseBody;
}

/**
 * Rolls the levels of one stream into UTC minutes. A second counts once; one that did not come is a gap. Where UTC steps
 * backwards, the open minute is closed and another of the same name may follow: nothing is re-stamped.
 */
export class MinuteRoller {
  #startMs: number | undefined;
  #seconds = new Map<number, TrackedLevel>();
  /** Nothing before this is rolled again; undefined before the first minute of this stream ever. */
  #rolledToMs: number | undefined;

  /** @param rolledToMs end of the newest minute that an earlier run rolled */
  constructor(rolledToMs: number | undefined) {
    this.#rolledToMs = rolledToMs;
  }

  /** @returns the minute that this level ended */
  add(level: TrackedLevel): RolledMinute | undefined {
    const startMs = Math.floor(level.atMs / MINUTE_MS) * MINUTE_MS;
    const ended = this.#startMs !== undefined && startMs !== this.#startMs ? this.#close() : undefined;
    this.#startMs = startMs;
    if (!this.#seconds.has(level.atMs)) this.#seconds.set(level.atMs, level);
    return ended;
  }

  /** @returns the open minute, where it lies wholly before `utcMs` */
  closeBefore(utcMs: number): RolledMinute | undefined {
    return this.#startMs !== undefined && this.#startMs + MINUTE_MS <= utcMs ? this.#close() : undefined;
  }

  #close(): RolledMinute | undefined {
    const startMs = this.#startMs;
    const levels = [...this.#seconds.values()];
    const quantity = levels.at(-1)?.quantity;
    this.#startMs = undefined;
    this.#seconds = new Map();
    if (startMs === undefined || quantity === undefined) return undefined;
    // Only the first minute ever begins late: of all others every second was due.
    const earliestMs = levels.reduce((earliest, { atMs }) => Math.min(earliest, atMs), Number.POSITIVE_INFINITY);
    const fromMs = this.#rolledToMs === undefined ? earliestMs : startMs;
    const endMs = startMs + MINUTE_MS;
    this.#rolledToMs = endMs;
    const bySecond = new Map(levels.map((level) => [level.atMs, level]));
    const window = Array.from({ length: (endMs - fromMs) / 1000 }, (_, second) => bySecond.get(fromMs + second * 1000));
    const series = encodeLevels(
      fromMs,
      window.map((level) => ({ levelDb: level?.levelDb ?? null, flags: level?.flags ?? [] })),
    );
    return { endMs, body: { quantity, series, statistics: roundedStatistics(levelStatistics(window)) } };
  }
}

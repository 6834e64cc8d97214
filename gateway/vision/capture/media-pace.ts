import type { Fragment } from "./fragment-reader.ts";

/** One or two pictures of one moment come of a camera's own clock, which may be coarse. */
const LEAST_PICTURES = 5;

/**
 * Sees that a camera has set its clock back. ffmpeg copies what comes then with the least time from picture to picture that
 * its output can tell, until the camera's clock has caught up: a clip of it would be a single moment, and pictures for
 * judgement may be passed over for as long.
 */
export class MediaPace {
  readonly #ticksPerMs: number;
  #hasRun = false;
  #standing = 0;

  /** @param timescale of the media times, in ticks a second */
  constructor(timescale: number) {
    this.#ticksPerMs = timescale / 1000;
  }

  /** @returns whether media time stands still that ran before: a camera without any times of its own is left alone */
  standsStill({ fromMs, toMs, pictures }: Pick<Fragment, "fromMs" | "toMs" | "pictures">): boolean {
    const isStanding = Math.round((toMs - fromMs) * this.#ticksPerMs) <= pictures;
    this.#standing = isStanding ? this.#standing + pictures : 0;
    this.#hasRun ||= !isStanding;
    return this.#hasRun && this.#standing >= LEAST_PICTURES;
  }
}

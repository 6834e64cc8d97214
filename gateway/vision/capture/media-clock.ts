/** How fast a wrong early estimate is given up: faster than any camera's clock drifts. */
const GIVE_UP = 0.001;
/** Less is a picture out of order, more is a clock that was set. */
const SET_BACK_MS = 1000;

/**
 * Where a camera's media time lies on the node's up-time. Bytes come late, never early: the least delay seen is the best
 * estimate, and it is slowly let go, since the camera's clock runs at a rate of its own.
 */
export class MediaClock {
  #offsetMs: number | undefined;
  #atUpMs = 0;
  #mediaMs = Number.NEGATIVE_INFINITY;

  /** Media up to `mediaEndMs` arrived at `upMs`. @returns what to add to media time to have up-time */
  heard(mediaEndMs: number, upMs: number): number {
    const candidateMs = upMs - mediaEndMs;
    // The camera set its clock back: what was known of it is over.
    const before = mediaEndMs < this.#mediaMs - SET_BACK_MS ? undefined : this.#offsetMs;
    this.#mediaMs = mediaEndMs;
    if (before === undefined || candidateMs < before) this.#offsetMs = candidateMs;
    else this.#offsetMs = Math.min(candidateMs, before + GIVE_UP * Math.max(0, upMs - this.#atUpMs));
    this.#atUpMs = upMs;
    return this.#offsetMs;
  }
}

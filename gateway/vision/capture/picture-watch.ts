import type { SmallFrame } from "../../contracts/vision.ts";

/** Every so many pixels are looked at: enough to see any change, for next to nothing. */
const STEP_PX = 7;
/** Levels of brightness that even noise of a good sensor exceeds somewhere. */
const SAME_WITHIN = 1;
/** Standard deviation of brightness in a picture that shows nothing, of 255. */
const FLAT_BELOW = 6;
/** And of one that shows something again. */
const LIVELY_ABOVE = 9;

export type PictureFault = "camera-frozen" | "camera-covered";

export interface PictureWatchLimits {
  readonly frozenAfterS: number;
  readonly coveredAfterS: number;
}

/** A camera that delivers pictures and yet sees nothing: the same one again and again, or one without any structure. */
export class PictureWatch {
  readonly #limits: PictureWatchLimits;
  #reference: Uint8Array | undefined;
  #stillSinceUpMs: number | undefined;
  #flatSinceUpMs: number | undefined;
  readonly #standing = new Set<PictureFault>();
  readonly #refuted = new Set<PictureFault>();

  constructor(limits: PictureWatchLimits) {
    this.#limits = limits;
  }

  get faults(): ReadonlySet<PictureFault> {
    return this.#standing;
  }

  /** @returns undefined where it has not looked for long enough to say that it does, and no picture said that it does not */
  stands(fault: PictureFault): boolean | undefined {
    if (this.#standing.has(fault)) return true;
    return this.#refuted.has(fault) ? false : undefined;
  }

  look({ rgb, width, height, upMs }: Pick<SmallFrame, "rgb" | "width" | "height" | "upMs">): void {
    const sample = brightness(rgb, width, height);
    this.#lookForChange(sample, upMs);
    this.#lookForStructure(deviation(sample), upMs);
  }

  /** The camera was away: whatever was measured does not go on over the gap. What stands stands until a picture says otherwise. */
  interrupted(): void {
    this.#reference = undefined;
    this.#stillSinceUpMs = undefined;
    if (!this.#standing.has("camera-covered")) this.#flatSinceUpMs = undefined;
  }

  #lookForChange(sample: Uint8Array, upMs: number): void {
    const reference = this.#reference;
    if (reference !== undefined && !differs(sample, reference)) {
      if (lasts(this.#stillSinceUpMs, upMs, this.#limits.frozenAfterS)) this.#found("camera-frozen");
      return;
    }
    this.#reference = sample;
    this.#stillSinceUpMs = upMs;
    // The first one of a capture has none to differ from.
    if (reference !== undefined) this.#refute("camera-frozen");
  }

  #lookForStructure(spread: number, upMs: number): void {
    if (spread > (this.#standing.has("camera-covered") ? LIVELY_ABOVE : FLAT_BELOW)) this.#flatSinceUpMs = undefined;
    else this.#flatSinceUpMs ??= upMs;
    if (spread > LIVELY_ABOVE) this.#refute("camera-covered");
    else if (lasts(this.#flatSinceUpMs, upMs, this.#limits.coveredAfterS)) this.#found("camera-covered");
  }

  #found(fault: PictureFault): void {
    this.#standing.add(fault);
    this.#refuted.delete(fault);
  }

  #refute(fault: PictureFault): void {
    this.#standing.delete(fault);
    this.#refuted.add(fault);
  }
}

function lasts(sinceUpMs: number | undefined, upMs: number, seconds: number): boolean {
  return sinceUpMs !== undefined && upMs - sinceUpMs >= seconds * 1000;
}

function brightness(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const pixels = Math.floor((width * height) / STEP_PX);
  const sample = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    const at = i * STEP_PX * 3;
    sample[i] = ((rgb[at] ?? 0) * 77 + (rgb[at + 1] ?? 0) * 150 + (rgb[at + 2] ?? 0) * 29) >> 8;
  }
  return sample;
}

function deviation(sample: Uint8Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of sample) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / sample.length;
  return Math.sqrt(Math.max(0, squares / sample.length - mean * mean));
}

function differs(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return true;
  for (let i = 0; i < a.length; i++) if (Math.abs((a[i] ?? 0) - (b[i] ?? 0)) > SAME_WITHIN) return true;
  return false;
}

import type { Placement } from "./fit.ts";

/** For each pixel of one axis of the result: the first pixel of the source and the weights of it and those that follow. */
export interface Taps {
  readonly first: Int32Array;
  readonly count: number;
  /** `count` for each pixel, summing to 1. */
  readonly weights: Float32Array;
}

/**
 * Two pixels around the point that a pixel's middle falls on; the edge repeats.
 * @source OpenCV resize, INTER_LINEAR
 */
export function bilinearTaps(from: number, to: number): Taps {
  const first = new Int32Array(to);
  const weights = new Float32Array(to * 2);
  for (let i = 0; i < to; i++) {
    const at = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(at);
    const isInside = low >= 0 && low < from - 1;
    first[i] = Math.min(Math.max(0, from - 2), Math.max(0, low));
    const share = isInside ? at - low : low < 0 ? 0 : 1;
    weights[i * 2] = from === 1 ? 1 : 1 - share;
    weights[i * 2 + 1] = from === 1 ? 0 : share;
  }
  return { first, count: 2, weights };
}

/**
 * A triangle as wide as what the pixel covers.
 * @source Pillow Resample.c, precompute_coeffs with the bilinear filter
 */
export function antialiasTaps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(1, scale);
  const windows = Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const low = Math.max(0, Math.floor(centre - support + 0.5));
    const high = Math.min(from, Math.ceil(centre + support - 0.5));
    const weights: number[] = [];
    for (let at = low; at < high; at++) weights.push(Math.max(0, 1 - Math.abs((at - centre + 0.5) / support)));
    return { low, weights };
  });
  const count = Math.max(...windows.map(({ weights }) => weights.length));
  const first = new Int32Array(to);
  const shares = new Float32Array(to * count);
  for (const [i, { low, weights }] of windows.entries()) {
    const start = Math.min(low, from - count);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    first[i] = start;
    for (const [k, weight] of weights.entries()) shares[i * count + low - start + k] = weight / sum;
  }
  return { first, count, weights: shares };
}

const FIXED_BITS = 12;
/** The sum of whole weights. Two of them after one another, and a byte, fill 32 bits without a sign. */
export const FIXED_ONE = 1 << FIXED_BITS;
/** How far a byte that two whole weights went over is shifted up. */
export const FIXED_SHIFT = 2 * FIXED_BITS;

/** The same with whole numbers for weights; `count` is 2, or a multiple of 4 whose last weights may be 0. */
export interface FixedTaps {
  readonly first: Int32Array;
  readonly count: number;
  /** `count` for each pixel, summing to FIXED_ONE. */
  readonly weights: Int32Array;
}

export function fixedTaps({ first, count, weights }: Taps): FixedTaps {
  const padded = count <= 2 ? 2 : Math.ceil(count / 4) * 4;
  const whole = new Int32Array(first.length * padded);
  for (let i = 0; i < first.length; i++) {
    let [left, largest] = [FIXED_ONE, i * padded];
    for (let k = 0; k < count; k++) {
      const weight = Math.round((weights[i * count + k] ?? 0) * FIXED_ONE);
      whole[i * padded + k] = weight;
      left -= weight;
      if (weight > (whole[largest] ?? 0)) largest = i * padded + k;
    }
    // What rounding left over goes where it weighs least.
    whole[largest] = (whole[largest] ?? 0) + left;
  }
  return { first, count: padded, weights: whole };
}

/** How pictures of one size come into the input. */
export interface ResamplePlan {
  readonly placement: Placement;
  readonly columns: FixedTaps;
  readonly rows: FixedTaps;
  /** For red, green and blue: where the first value goes, the value of each byte, and how far the next pixel is. */
  readonly channels: readonly { readonly at: number; readonly table: Float32Array }[];
  readonly step: number;
  /** From one row to the next. */
  readonly stride: number;
}

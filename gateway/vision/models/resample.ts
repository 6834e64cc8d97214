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
  const count = Math.min(from, Math.ceil(support) * 2 + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const low = Math.min(Math.max(0, Math.floor(centre - support + 0.5)), from - count);
    first[i] = low;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = Math.max(0, 1 - Math.abs((low + k - centre + 0.5) / support));
      weights[i * count + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k++) weights[i * count + k] = (weights[i * count + k] ?? 0) / sum;
  }
  return { first, count, weights };
}

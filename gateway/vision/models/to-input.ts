import { type Placement, place } from "./fit.ts";
import type { ModelInput } from "./manifest-schema.ts";
import type { Picture } from "./picture.ts";
import { antialiasTaps, bilinearTaps, FIXED_SHIFT, type FixedTaps, fixedTaps } from "./resample.ts";

const CHANNELS = 3;

interface Plan {
  readonly placement: Placement;
  readonly columns: FixedTaps;
  readonly rows: FixedTaps;
  /** One row of the result, as wide as the source: small enough to stay in the processor's cache. */
  readonly line: Int32Array;
}

/** Writes pictures into the model's input. Buffers are kept between pictures of one size. */
export class InputWriter {
  readonly values: Float32Array;
  readonly #input: ModelInput;
  readonly #tables: readonly Float32Array[];
  #plan: Plan | undefined;
  #planSize = "";

  constructor(input: ModelInput) {
    this.#input = input;
    this.values = new Float32Array(input.width * input.height * CHANNELS);
    this.#tables = [0, 1, 2].map((channel) => valueTable(input, channel));
  }

  /** @returns where the picture lies in the input; `values` holds it until the next call */
  write(picture: Picture): Placement {
    const plan = this.#planFor(picture);
    const { placement, rows, line } = plan;
    for (let y = 0; y < placement.height; y++) {
      weighRows(picture.rgb, rows, y, line);
      this.#writeRow(plan, y);
    }
    return placement;
  }

  #planFor({ width, height }: Picture): Plan {
    const size = `${width}x${height}`;
    if (this.#plan !== undefined && this.#planSize === size) return this.#plan;
    const input = this.#input;
    const placement = place(input.fit, { width, height }, input);
    const taps = input.resample === "antialias" ? antialiasTaps : bilinearTaps;
    this.#plan = {
      placement,
      columns: fixedTaps(taps(width, placement.width)),
      rows: fixedTaps(taps(height, placement.height)),
      line: new Int32Array(width * CHANNELS),
    };
    this.#planSize = size;
    this.#pad();
    return this.#plan;
  }

  /** What lies outside of the picture stays as it is from one picture to the next. */
  #pad(): void {
    const { width, height, padding, layout } = this.#input;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const value = this.#tables[channel]?.[padding] ?? 0;
      if (layout === "nchw") this.values.fill(value, channel * width * height, (channel + 1) * width * height);
      else for (let i = channel; i < this.values.length; i += CHANNELS) this.values[i] = value;
    }
  }

  #writeRow({ placement, columns, line }: Plan, y: number): void {
    const { width, height, layout, colour } = this.#input;
    const isPlanar = layout === "nchw";
    const step = isPlanar ? 1 : CHANNELS;
    const plane = isPlanar ? width * height : 1;
    const at = ((y + placement.top) * width + placement.left) * step;
    const [first, middle, last] = this.#tables as [Float32Array, Float32Array, Float32Array];
    const to: Target =
      colour === "rgb"
        ? { values: this.values, step, red: at, green: at + plane, blue: at + 2 * plane, tables: [first, middle, last] }
        : {
            values: this.values,
            step,
            red: at + 2 * plane,
            green: at + plane,
            blue: at,
            tables: [last, middle, first],
          };
    if (columns.count === 2) writeTwo(line, columns, to);
    else if (columns.count === 4) writeFour(line, columns, to);
    else writeMany(line, columns, to);
  }
}

/** One row of the model's input: where its first value of each channel goes, and how far the next one is. */
interface Target {
  readonly values: Float32Array;
  readonly step: number;
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  /** The value of each byte, of red, green and blue. */
  readonly tables: readonly [Float32Array, Float32Array, Float32Array];
}

/** Reference tools resample bytes to bytes; so each result is rounded, and a table makes a value of it. */
function valueTable({ scale, mean, std }: ModelInput, channel: number): Float32Array {
  const table = new Float32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    table[byte] = (byte * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  }
  return table;
}

/**
 * Rows of the source, weighed into one. Straight loops over neighbours, no branch in them: these few lines are most of what
 * judging a picture costs beside the model itself.
 */
function weighRows(rgb: Uint8Array, { first, count, weights }: FixedTaps, y: number, line: Int32Array): void {
  const n = line.length;
  const a = (first[y] as number) * n;
  const at = y * count;
  if (count === 2) weighTwo(line, rgb, a, weights[at] as number, weights[at + 1] as number);
  else for (let k = 0; k < count; k += 4) weighFour(line, rgb, a + k * n, weights, at + k, k === 0);
}

// Straight loops over neighbours, without a branch: these lines are most of what a picture costs beside the model itself.

function weighTwo(line: Int32Array, rgb: Uint8Array, a: number, w0: number, w1: number): void {
  // A row without weight may lie outside.
  const b = w1 === 0 ? a : a + line.length;
  for (let i = 0; i < line.length; i++) {
    line[i] = (Math.imul(w0, rgb[a + i] as number) + Math.imul(w1, rgb[b + i] as number)) | 0;
  }
}

function weighFour(
  line: Int32Array,
  rgb: Uint8Array,
  a: number,
  weights: Int32Array,
  k: number,
  isFirst: boolean,
): void {
  const n = line.length;
  const w0 = weights[k] as number;
  const w1 = weights[k + 1] as number;
  const w2 = weights[k + 2] as number;
  const w3 = weights[k + 3] as number;
  const b = w1 === 0 ? a : a + n;
  const c = w2 === 0 ? a : a + 2 * n;
  const d = w3 === 0 ? a : a + 3 * n;
  if (isFirst) line.fill(0);
  for (let i = 0; i < n; i++) {
    line[i] =
      ((line[i] as number) +
        Math.imul(w0, rgb[a + i] as number) +
        Math.imul(w1, rgb[b + i] as number) +
        Math.imul(w2, rgb[c + i] as number) +
        Math.imul(w3, rgb[d + i] as number)) |
      0;
  }
}

/** Half a byte's step: sums are rounded, not cut off. */
const HALF = 1 << (FIXED_SHIFT - 1);

function writeTwo(line: Int32Array, { first, weights }: FixedTaps, to: Target): void {
  const { values, step, tables } = to;
  const [ofRed, ofGreen, ofBlue] = tables;
  let { red, green, blue } = to;
  for (let x = 0; x < first.length; x++) {
    const a = (first[x] as number) * CHANNELS;
    const w0 = weights[2 * x] as number;
    const w1 = weights[2 * x + 1] as number;
    const b = w1 === 0 ? a : a + CHANNELS;
    const r = (Math.imul(w0, line[a] as number) + Math.imul(w1, line[b] as number) + HALF) | 0;
    const g = (Math.imul(w0, line[a + 1] as number) + Math.imul(w1, line[b + 1] as number) + HALF) | 0;
    const u = (Math.imul(w0, line[a + 2] as number) + Math.imul(w1, line[b + 2] as number) + HALF) | 0;
    values[red] = ofRed[r >>> FIXED_SHIFT] as number;
    values[green] = ofGreen[g >>> FIXED_SHIFT] as number;
    values[blue] = ofBlue[u >>> FIXED_SHIFT] as number;
    red += step;
    green += step;
    blue += step;
  }
}

/** Half the size is this. */
function writeFour(line: Int32Array, { first, weights }: FixedTaps, to: Target): void {
  const { values, step, tables } = to;
  const [ofRed, ofGreen, ofBlue] = tables;
  let { red, green, blue } = to;
  for (let x = 0; x < first.length; x++) {
    const a = (first[x] as number) * CHANNELS;
    const w0 = weights[4 * x] as number;
    const w1 = weights[4 * x + 1] as number;
    const w2 = weights[4 * x + 2] as number;
    const w3 = weights[4 * x + 3] as number;
    const r =
      (Math.imul(w0, line[a] as number) +
        Math.imul(w1, line[a + 3] as number) +
        Math.imul(w2, line[a + 6] as number) +
        Math.imul(w3, line[a + 9] as number) +
        HALF) |
      0;
    const g =
      (Math.imul(w0, line[a + 1] as number) +
        Math.imul(w1, line[a + 4] as number) +
        Math.imul(w2, line[a + 7] as number) +
        Math.imul(w3, line[a + 10] as number) +
        HALF) |
      0;
    const u =
      (Math.imul(w0, line[a + 2] as number) +
        Math.imul(w1, line[a + 5] as number) +
        Math.imul(w2, line[a + 8] as number) +
        Math.imul(w3, line[a + 11] as number) +
        HALF) |
      0;
    values[red] = ofRed[r >>> FIXED_SHIFT] as number;
    values[green] = ofGreen[g >>> FIXED_SHIFT] as number;
    values[blue] = ofBlue[u >>> FIXED_SHIFT] as number;
    red += step;
    green += step;
    blue += step;
  }
}

function writeMany(line: Int32Array, { first, count, weights }: FixedTaps, to: Target): void {
  const { values, step, tables } = to;
  const [ofRed, ofGreen, ofBlue] = tables;
  let { red, green, blue } = to;
  for (let x = 0; x < first.length; x++) {
    let a = (first[x] as number) * CHANNELS;
    let [r, g, u] = [HALF, HALF, HALF];
    for (let k = x * count; k < (x + 1) * count; k++, a += CHANNELS) {
      const weight = weights[k] as number;
      r = (r + Math.imul(weight, line[a] as number)) | 0;
      g = (g + Math.imul(weight, line[a + 1] as number)) | 0;
      u = (u + Math.imul(weight, line[a + 2] as number)) | 0;
    }
    values[red] = ofRed[r >>> FIXED_SHIFT] as number;
    values[green] = ofGreen[g >>> FIXED_SHIFT] as number;
    values[blue] = ofBlue[u >>> FIXED_SHIFT] as number;
    red += step;
    green += step;
    blue += step;
  }
}

import { type Placement, place } from "./fit.ts";
import type { ModelInput } from "./manifest-schema.ts";
import type { Picture } from "./picture.ts";
import { antialiasTaps, bilinearTaps, type Taps } from "./resample.ts";

const CHANNELS = 3;

interface Plan {
  readonly placement: Placement;
  readonly columns: Taps;
  readonly rows: Taps;
  /** Columns resampled, for every row of the source: `placement.width × height × 3`. */
  readonly between: Float32Array;
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
    resampleColumns(picture, plan);
    this.#resampleRows(plan);
    return plan.placement;
  }

  #planFor({ width, height }: Picture): Plan {
    const size = `${width}x${height}`;
    if (this.#plan !== undefined && this.#planSize === size) return this.#plan;
    const input = this.#input;
    const placement = place(input.fit, { width, height }, input);
    const taps = input.resample === "antialias" ? antialiasTaps : bilinearTaps;
    this.#plan = {
      placement,
      columns: taps(width, placement.width),
      rows: taps(height, placement.height),
      between: new Float32Array(placement.width * height * CHANNELS),
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

  #resampleRows({ placement, rows, between }: Plan): void {
    const { width, height, layout, colour } = this.#input;
    const { values } = this;
    const line = placement.width * CHANNELS;
    const step = layout === "nchw" ? 1 : CHANNELS;
    const plane = layout === "nchw" ? width * height : 1;
    const offsets = colour === "rgb" ? [0, plane, 2 * plane] : [2 * plane, plane, 0];
    const [red, green, blue] = offsets as [number, number, number];
    // Tables are in the order of the model's channels.
    const [first, middle, last] = this.#tables as [Float32Array, Float32Array, Float32Array];
    const [ofRed, ofBlue] = colour === "rgb" ? [first, last] : [last, first];
    const sums = new Float32Array(line);
    for (let y = 0; y < placement.height; y++) {
      sums.fill(0.5);
      const from = rows.first[y] ?? 0;
      for (let k = 0; k < rows.count; k++) {
        const weight = rows.weights[y * rows.count + k] ?? 0;
        if (weight === 0) continue;
        const base = (from + k) * line;
        for (let i = 0; i < line; i++) sums[i] = (sums[i] as number) + weight * (between[base + i] as number);
      }
      let at = ((y + placement.top) * width + placement.left) * step;
      for (let i = 0; i < line; i += CHANNELS, at += step) {
        values[at + red] = ofRed[(sums[i] as number) | 0] as number;
        values[at + green] = middle[(sums[i + 1] as number) | 0] as number;
        values[at + blue] = ofBlue[(sums[i + 2] as number) | 0] as number;
      }
    }
  }
}

/** Reference tools resample bytes to bytes; so each result is rounded, and a table makes a value of it. */
function valueTable({ scale, mean, std }: ModelInput, channel: number): Float32Array {
  const table = new Float32Array(257);
  for (let byte = 0; byte <= 256; byte++) {
    table[byte] = (Math.min(255, byte) * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  }
  return table;
}

function resampleColumns(picture: Picture, { placement, columns, between }: Plan): void {
  const { width, height, rgb } = picture;
  const { first, count, weights } = columns;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width * CHANNELS;
    for (let x = 0; x < placement.width; x++) {
      let from = row + (first[x] as number) * CHANNELS;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let k = x * count; k < (x + 1) * count; k++, from += CHANNELS) {
        const weight = weights[k] as number;
        red += weight * (rgb[from] ?? 0);
        green += weight * (rgb[from + 1] ?? 0);
        blue += weight * (rgb[from + 2] ?? 0);
      }
      between[to++] = red;
      between[to++] = green;
      between[to++] = blue;
    }
  }
}

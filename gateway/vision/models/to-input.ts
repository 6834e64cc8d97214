import { type Placement, place } from "./fit.ts";
import type { ModelInput } from "./manifest-schema.ts";
import type { Picture } from "./picture.ts";
import { antialiasTaps, bilinearTaps, FIXED_SHIFT, fixedTaps, type ResamplePlan } from "./resample.ts";
import { SimdRoom, SimdWriter } from "./simd-writer.ts";

const CHANNELS = 3;

/** Writes pictures into the model's input. Buffers are kept between pictures of one size. */
export class InputWriter {
  readonly #input: ModelInput;
  readonly #isSimdWanted: boolean;
  readonly #tables: readonly Float32Array[];
  readonly #room = new SimdRoom();
  #values: Float32Array;
  #size = "";
  #placement: Placement | undefined;
  #write: (rgb: Uint8Array) => void = () => {};

  /** @param isSimdWanted false: without vector instructions, as on a processor that has none */
  constructor(input: ModelInput, isSimdWanted = true) {
    this.#input = input;
    this.#isSimdWanted = isSimdWanted;
    this.#values = new Float32Array(input.width * input.height * CHANNELS);
    this.#tables = [0, 1, 2].map((channel) => valueTable(input, channel));
  }

  /** The input as last written; another array after a picture of another size. */
  get values(): Float32Array {
    return this.#values;
  }

  /** @returns where the picture lies in the input; `values` holds it until the next call */
  write(picture: Picture): Placement {
    const size = `${picture.width}x${picture.height}`;
    if (this.#placement === undefined || this.#size !== size) {
      this.#placement = this.#prepare(picture);
      this.#size = size;
    }
    this.#write(picture.rgb);
    return this.#placement;
  }

  #prepare({ width, height }: Picture): Placement {
    const input = this.#input;
    const placement = place(input.fit, { width, height }, input);
    const taps = input.resample === "antialias" ? antialiasTaps : bilinearTaps;
    const isPlanar = input.layout === "nchw";
    const step = isPlanar ? 1 : CHANNELS;
    const first = (placement.top * input.width + placement.left) * step;
    const order = input.colour === "rgb" ? [0, 1, 2] : [2, 1, 0];
    const plan: ResamplePlan = {
      placement,
      columns: fixedTaps(taps(width, placement.width)),
      rows: fixedTaps(taps(height, placement.height)),
      channels: order.map((channel) => ({
        at: first + channel * (isPlanar ? input.width * input.height : 1),
        table: this.#tables[channel] as Float32Array,
      })),
      step,
      stride: input.width * step,
    };
    const simd = this.#isSimdWanted
      ? SimdWriter.of(plan, this.#values.length, { width, height }, this.#room)
      : undefined;
    if (simd === undefined) {
      const line = new Int32Array(width * CHANNELS);
      this.#write = (rgb) => writePlain(plan, rgb, line, this.#values);
    } else {
      this.#values = simd.values;
      this.#write = (rgb) => simd.write(rgb);
    }
    this.#pad();
    return placement;
  }

  /** What lies outside of the picture stays as it is from one picture to the next. */
  #pad(): void {
    const { width, height, padding, layout } = this.#input;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const value = this.#tables[channel]?.[padding] ?? 0;
      if (layout === "nchw") this.#values.fill(value, channel * width * height, (channel + 1) * width * height);
      else for (let i = channel; i < this.#values.length; i += CHANNELS) this.#values[i] = value;
    }
  }
}

/** Reference tools resample bytes to bytes; so each result is rounded, and a table makes a value of it. */
function valueTable({ scale, mean, std }: ModelInput, channel: number): Float32Array {
  const table = new Float32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    table[byte] = (byte * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  }
  return table;
}

/** Half a byte's step: sums are rounded, not cut off. */
const HALF = 1 << (FIXED_SHIFT - 1);

/** Where the processor has no vector instructions, and what those are compared with. */
function writePlain(plan: ResamplePlan, rgb: Uint8Array, line: Int32Array, values: Float32Array): void {
  const { columns, rows, channels, placement, step, stride } = plan;
  const width = line.length;
  for (let y = 0; y < placement.height; y++) {
    line.fill(0);
    for (let k = 0; k < rows.count; k++) {
      const weight = rows.weights[y * rows.count + k] as number;
      // A row without weight may lie outside.
      if (weight === 0) continue;
      const at = ((rows.first[y] as number) + k) * width;
      for (let i = 0; i < width; i++) line[i] = ((line[i] as number) + Math.imul(weight, rgb[at + i] as number)) | 0;
    }
    for (const [channel, { at, table }] of channels.entries()) {
      let to = at + y * stride;
      for (let x = 0; x < placement.width; x++, to += step) {
        let sum = HALF;
        for (let k = 0; k < columns.count; k++) {
          const weight = columns.weights[x * columns.count + k] as number;
          if (weight === 0) continue;
          const from = ((columns.first[x] as number) + k) * CHANNELS + channel;
          sum = (sum + Math.imul(weight, line[from] as number)) | 0;
        }
        values[to] = table[sum >>> FIXED_SHIFT] as number;
      }
    }
  }
}

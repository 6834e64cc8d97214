import type { ResamplePlan } from "./resample.ts";
import { LANES, type SimdResample, simdResample } from "./simd-resample.ts";
import { type WasmMemory, webAssembly } from "./wasm-module.ts";

const CHANNELS = 3;
const WORD = 4;
const PAGE_BYTES = 65_536;
const TABLE_BYTES = 256 * WORD;

/** What `rows` is called with for one row of the result. */
type RowCall = readonly [number, number, number, number, number, number];

/** A picture into the model's input by vector instructions, in a memory of their own. */
export class SimdWriter {
  /** As large as the model's input; what lies outside of the picture is never written. */
  readonly values: Float32Array;
  readonly #code: SimdResample;
  readonly #plan: ResamplePlan;
  readonly #source: Uint8Array;
  readonly #line: Int32Array;
  readonly #calls: readonly (readonly RowCall[])[];
  readonly #places: Places;

  /** @returns undefined where this processor has no such instructions */
  static of(plan: ResamplePlan, valueCount: number, width: number, height: number): SimdWriter | undefined {
    const places = placesOf(plan, valueCount, width, height);
    const memory = new webAssembly.Memory({ initial: Math.ceil(places.end / PAGE_BYTES) });
    const code = simdResample(memory);
    return code === undefined ? undefined : new SimdWriter(code, memory, plan, places, valueCount, width, height);
  }

  private constructor(
    code: SimdResample,
    { buffer }: WasmMemory,
    plan: ResamplePlan,
    places: Places,
    valueCount: number,
    width: number,
    height: number,
  ) {
    const { columns, channels } = plan;
    this.#code = code;
    this.#plan = plan;
    this.#places = places;
    this.values = new Float32Array(buffer, places.values, valueCount);
    this.#source = new Uint8Array(buffer, places.source, width * height * CHANNELS);
    this.#line = new Int32Array(buffer, places.line, width * CHANNELS);
    this.#calls = callsOf(plan, places.source, width);
    new Int32Array(buffer, places.weights, columns.weights.length).set(columns.weights);
    const offsets = columns.first.map((pixel) => pixel * CHANNELS * WORD);
    new Int32Array(buffer, places.first, offsets.length).set(offsets);
    for (const [n, { table }] of channels.entries()) {
      new Float32Array(buffer, places.tables + n * TABLE_BYTES, table.length).set(table);
    }
  }

  write(rgb: Uint8Array): void {
    this.#source.set(rgb);
    const { placement, columns, channels, step, stride } = this.#plan;
    const { values, tables, line, first, weights } = this.#places;
    const [red = 0, green = 0, blue = 0] = channels.map(({ at }) => values + at * WORD);
    for (let y = 0; y < placement.height; y++) {
      this.#line.fill(0);
      for (const [a, b, c, d, w01, w23] of this.#calls[y] ?? []) {
        this.#code.rows(a, b, c, d, w01, w23, line, this.#line.length);
      }
      const down = y * stride * WORD;
      this.#code.columns(
        ...[line, first, weights, columns.count, placement.width],
        ...[red + down, green + down, blue + down, step * WORD],
        ...[tables, tables + TABLE_BYTES, tables + 2 * TABLE_BYTES],
      );
    }
  }
}

interface Places {
  readonly values: number;
  readonly tables: number;
  readonly first: number;
  readonly weights: number;
  readonly line: number;
  readonly source: number;
  readonly end: number;
}

/** Addresses. Behind the line and the source lies what is read and written beyond them. */
function placesOf({ columns, rows }: ResamplePlan, valueCount: number, width: number, height: number): Places {
  let end = 0;
  const take = (bytes: number): number => {
    const from = end;
    end = Math.ceil((end + bytes) / LANES) * LANES;
    return from;
  };
  return {
    values: take(valueCount * WORD),
    tables: take(CHANNELS * TABLE_BYTES),
    first: take(columns.first.length * WORD),
    weights: take(columns.weights.length * WORD),
    line: take((width + columns.count) * CHANNELS * WORD + LANES * WORD),
    source: take((width * (height + rows.count) + LANES) * CHANNELS),
    end,
  };
}

function callsOf({ rows, placement }: ResamplePlan, source: number, width: number): readonly (readonly RowCall[])[] {
  return Array.from({ length: placement.height }, (_, y) => {
    const calls: RowCall[] = [];
    const weight = (k: number) => (k < rows.count ? (rows.weights[y * rows.count + k] ?? 0) : 0);
    // A row without weight may lie outside: the first stands for it.
    const row = (k: number) => source + ((rows.first[y] ?? 0) + (weight(k) === 0 ? 0 : k)) * width * CHANNELS;
    for (let k = 0; k < rows.count; k += 4) {
      const [a, b, c, d] = [row(k), row(k + 1), row(k + 2), row(k + 3)];
      calls.push([a, b, c, d, weight(k) | (weight(k + 1) << 16), weight(k + 2) | (weight(k + 3) << 16)]);
    }
    return calls;
  });
}

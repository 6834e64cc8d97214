import type { ResamplePlan } from "./resample.ts";
import { LANES, type SimdResample, simdResample } from "./simd-resample.ts";
import { type WasmMemory, webAssembly } from "./wasm-module.ts";

const CHANNELS = 3;
const WORD = 4;
const PAGE_BYTES = 65_536;
const TABLE_BYTES = 256 * WORD;

/** What `rows` is called with for one row of the result. */
type RowCall = readonly [number, number, number, number, number, number];

interface PictureSize {
  readonly width: number;
  readonly height: number;
}

interface HeldMemory {
  readonly memory: WasmMemory;
  readonly code: SimdResample;
}

/**
 * The memory of one writer after the other. Crops differ in size each time, and a memory of its own for each costs more than
 * the picture: the system maps it, and V8 collects everything the sooner.
 */
export class SimdRoom {
  #held: HeldMemory | undefined;

  /** @returns undefined where this processor has no such instructions */
  holding(bytes: number): HeldMemory | undefined {
    if (this.#held !== undefined && this.#held.memory.buffer.byteLength >= bytes) return this.#held;
    // A quarter more than is needed now, so that crops that grow little by little find room.
    const memory = new webAssembly.Memory({ initial: Math.ceil((bytes * 1.25) / PAGE_BYTES) });
    const code = simdResample(memory);
    this.#held = code === undefined ? undefined : { memory, code };
    return this.#held;
  }
}

/** A picture into the model's input by vector instructions. Over once the next one is made in the same room. */
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
  static of(plan: ResamplePlan, valueCount: number, size: PictureSize, room: SimdRoom): SimdWriter | undefined {
    const places = placesOf(plan, valueCount, size);
    const held = room.holding(places.end);
    return held === undefined ? undefined : new SimdWriter(held, plan, places, valueCount, size);
  }

  private constructor(
    { code, memory: { buffer } }: HeldMemory,
    plan: ResamplePlan,
    places: Places,
    valueCount: number,
    { width, height }: PictureSize,
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
function placesOf({ columns, rows }: ResamplePlan, valueCount: number, { width, height }: PictureSize): Places {
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

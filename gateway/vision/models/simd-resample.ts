import { FIXED_SHIFT } from "./resample.ts";
import { op, type WasmFunction, type WasmMemory, wasmModule, webAssembly } from "./wasm-module.ts";

/** Bytes of a row that are weighed at once. */
export const LANES = 16;
const WORD = 4;
const PIXEL = 3 * WORD;

export interface SimdResample {
  /**
   * Adds four rows of bytes, each times its weight, to a line of 32-bit sums; up to `LANES` values more than asked for.
   * @param w01 the weights of the first two, of 16 bits each, the second above the first
   */
  rows(a: number, b: number, c: number, d: number, w01: number, w23: number, line: number, count: number): void;
  /**
   * Weighs neighbours of a line into pixels, rounds them to bytes, and writes a table's value for each.
   * @param first byte offsets into the line · @param taps weights of each pixel · @param step in bytes
   */
  columns(
    line: number,
    first: number,
    weights: number,
    taps: number,
    count: number,
    red: number,
    green: number,
    blue: number,
    step: number,
    redTable: number,
    greenTable: number,
    blueTable: number,
  ): void;
}

/** @returns undefined where this processor has no such instructions */
export function simdResample(memory: WasmMemory): SimdResample | undefined {
  compiled ??= compile();
  if (compiled.module === undefined) return undefined;
  return new webAssembly.Instance(compiled.module, { vision: { memory } }).exports as unknown as SimdResample;
}

let compiled: { readonly module: object | undefined } | undefined;

function compile() {
  const bytes = wasmModule([rowsFunction(), columnsFunction()]);
  return { module: webAssembly.validate(bytes) ? new webAssembly.Module(bytes) : undefined };
}

/** Bytes of two rows alternate, so that one instruction multiplies each with its weight and adds the two. */
const PAIRS = Array.from({ length: LANES }, (_, n) => (n >> 1) + (n % 2) * LANES);
const UPPER_PAIRS = PAIRS.map((lane) => lane + LANES / 2);

function rowsFunction(): WasmFunction {
  const [a, b, c, d, w01, w23, line, count, end] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [one, two, three, four, low, high] = [9, 10, 11, 12, 13, 14];
  const pairs = (of: number, and: number, lanes: readonly number[]) => [
    ...op.get(of),
    ...op.get(and),
    ...op.i8x16Shuffle(lanes),
  ];
  const weighed = (half: readonly number[], offset: number) => [
    ...op.get(line),
    ...[...op.get(low), ...half, ...op.get(w01), ...op.i32x4Splat, ...op.i32x4Dot],
    ...[...op.get(high), ...half, ...op.get(w23), ...op.i32x4Splat, ...op.i32x4Dot],
    ...op.i32x4Add,
    ...[...op.get(line), ...op.v128Load(offset), ...op.i32x4Add],
    ...op.v128Store(offset),
  ];
  const quarter = (lanes: readonly number[], offset: number) => [
    ...[...pairs(one, two, lanes), ...op.set(low)],
    ...[...pairs(three, four, lanes), ...op.set(high)],
    ...weighed(op.i16x8ExtendLowUnsigned, offset),
    ...weighed(op.i16x8ExtendHighUnsigned, offset + LANES),
  ];
  const forward = (pointer: number, bytes: number) => [
    ...[...op.get(pointer), ...op.i32Const(bytes), ...op.i32Add, ...op.set(pointer)],
  ];
  const loaded = [
    [a, one],
    [b, two],
    [c, three],
    [d, four],
  ] as const;
  return {
    ...{ name: "rows", parameters: 8, i32Locals: 1, v128Locals: 6 },
    code: [
      ...[...op.get(line), ...op.get(count), ...op.i32Const(2), ...op.i32Shl, ...op.i32Add, ...op.set(end)],
      ...op.loop,
      ...loaded.flatMap(([from, to]) => [...op.get(from), ...op.v128Load(), ...op.set(to)]),
      ...quarter(PAIRS, 0),
      ...quarter(UPPER_PAIRS, 2 * LANES),
      ...loaded.flatMap(([pointer]) => forward(pointer, LANES)),
      ...forward(line, LANES * WORD),
      ...[...op.get(line), ...op.get(end), ...op.i32LessUnsigned, ...op.branchIf(0)],
      ...op.end,
    ],
  };
}

function columnsFunction(): WasmFunction {
  const [line, first, weights, taps, count] = [0, 1, 2, 3, 4];
  const [red, green, blue, step, redTable, greenTable, blueTable] = [5, 6, 7, 8, 9, 10, 11];
  const [from, left, sum] = [12, 13, 14];
  const forward = (pointer: number, by: readonly number[]) => [
    ...[...op.get(pointer), ...by, ...op.i32Add, ...op.set(pointer)],
  ];
  const value = (to: number, table: number, lane: number) => [
    ...op.get(to),
    ...[...op.get(sum), ...op.i32x4ExtractLane(lane), ...op.i32Const(2), ...op.i32Shl],
    ...[...op.get(table), ...op.i32Add, ...op.f32Load()],
    ...op.f32Store(),
  ];
  return {
    ...{ name: "columns", parameters: 12, i32Locals: 2, v128Locals: 1 },
    code: [
      ...op.loop,
      // Half a byte's step: sums are rounded, not cut off.
      ...[...op.i32Const(1 << (FIXED_SHIFT - 1)), ...op.i32x4Splat, ...op.set(sum)],
      ...[...op.get(line), ...op.get(first), ...op.i32Load(), ...op.i32Add, ...op.set(from)],
      ...[...op.get(taps), ...op.set(left)],
      ...op.loop,
      ...[...op.get(from), ...op.v128Load(), ...op.get(weights), ...op.v128Load32Splat(), ...op.i32x4Mul],
      ...[...op.get(sum), ...op.i32x4Add, ...op.set(sum)],
      ...forward(from, op.i32Const(PIXEL)),
      ...forward(weights, op.i32Const(WORD)),
      ...[...op.get(left), ...op.i32Const(1), ...op.i32Sub, ...op.tee(left), ...op.branchIf(0)],
      ...op.end,
      ...[...op.get(sum), ...op.i32Const(FIXED_SHIFT), ...op.i32x4ShiftRightUnsigned, ...op.set(sum)],
      ...[...value(red, redTable, 0), ...value(green, greenTable, 1), ...value(blue, blueTable, 2)],
      ...forward(first, op.i32Const(WORD)),
      ...[red, green, blue].flatMap((pointer) => forward(pointer, op.get(step))),
      ...[...op.get(count), ...op.i32Const(1), ...op.i32Sub, ...op.tee(count), ...op.branchIf(0)],
      ...op.end,
    ],
  };
}

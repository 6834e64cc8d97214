export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** What Node has of WebAssembly's interface, as far as it is used here; its types come with a browser's only. */
interface WebAssemblyInterface {
  readonly Memory: new (size: { readonly initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }).WebAssembly;

/** One function of a module: all parameters are i32, and it gives nothing back. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  /** Further locals after the parameters, by their kind. */
  readonly i32Locals: number;
  readonly v128Locals: number;
  readonly code: readonly number[];
}

const I32 = 0x7f;
const V128 = 0x7b;
const NOTHING = 0x40;
const FUNCTION = 0x60;

/** @source WebAssembly core specification 2.0, 5.5: modules of the binary format */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    FUNCTION,
    ...unsigned(parameters),
    ...Array(parameters).fill(I32),
    0,
  ]);
  const memory = [...text("vision"), ...text("memory"), 2, 0, 1];
  const exports = functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)]);
  const bodies = functions.map(({ i32Locals, v128Locals, code }) => {
    const locals = [2, ...unsigned(i32Locals), I32, ...unsigned(v128Locals), V128];
    const body = [...locals, ...code, ...op.end];
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, [memory]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(7, exports),
    ...section(10, bodies),
  ]);
}

function section(id: number, entries: readonly (readonly number[])[]): readonly number[] {
  const content = [...unsigned(entries.length), ...entries.flat()];
  return [id, ...unsigned(content.length), ...content];
}

function text(name: string): readonly number[] {
  const bytes = Buffer.from(name);
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): readonly number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

const simd = (code: number, ...more: readonly number[]): readonly number[] => [0xfd, ...unsigned(code), ...more];
/** Alignment is a hint: none is promised. */
const at = (offset: number): readonly number[] => [0, ...unsigned(offset)];

/** Instructions by the names of the text format. @source WebAssembly core specification 2.0, 5.4 */
export const op = {
  get: (local: number) => [0x20, ...unsigned(local)],
  set: (local: number) => [0x21, ...unsigned(local)],
  tee: (local: number) => [0x22, ...unsigned(local)],
  i32Const: (value: number) => [0x41, ...signed(value)],
  i32Load: (offset = 0) => [0x28, ...at(offset)],
  f32Load: (offset = 0) => [0x2a, ...at(offset)],
  f32Store: (offset = 0) => [0x38, ...at(offset)],
  i32LessUnsigned: [0x49],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32Shl: [0x74],
  loop: [0x03, NOTHING],
  branchIf: (depth: number) => [0x0d, ...unsigned(depth)],
  end: [0x0b],
  v128Load: (offset = 0) => simd(0x00, ...at(offset)),
  v128Load32Splat: (offset = 0) => simd(0x09, ...at(offset)),
  v128Store: (offset = 0) => simd(0x0b, ...at(offset)),
  i8x16Shuffle: (lanes: readonly number[]) => simd(0x0d, ...lanes),
  i32x4Splat: simd(0x11),
  i32x4ExtractLane: (lane: number) => simd(0x1b, lane),
  i16x8ExtendLowUnsigned: simd(0x89),
  i16x8ExtendHighUnsigned: simd(0x8a),
  i32x4ShiftRightUnsigned: simd(0xad),
  i32x4Add: simd(0xae),
  i32x4Mul: simd(0xb5),
  i32x4Dot: simd(0xba),
} as const satisfies Readonly<Record<string, readonly number[] | ((...values: never[]) => readonly number[])>>;

/** How a number stands in registers. */
export interface RegisterEncoding {
  readonly type?: "u16" | "i16" | "u32" | "i32" | "f32";
  readonly byteOrder?: "big" | "little";
  readonly wordOrder?: "big" | "little";
  /** Older spelling of `type: i16`. */
  readonly isSigned?: boolean;
}

/** Registers that the number takes. */
export function registerCount({ type }: RegisterEncoding): 1 | 2 {
  return type === "u32" || type === "i32" || type === "f32" ? 2 : 1;
}

/**
 * @param words the registers of the number, unsigned 16 bit, in the order of their addresses
 * @returns `raw`: its bits, unsigned, in the right order; `counts`: the number itself, NaN where a float is none
 */
export function decodeRegisters(
  words: readonly number[],
  encoding: RegisterEncoding,
): { readonly raw: number; readonly counts: number } {
  const isSwapped = encoding.byteOrder === "little";
  const ordered = words.map((word) => (isSwapped ? swapBytes(word) : word));
  if (encoding.wordOrder === "little") ordered.reverse();
  const [first = 0, second = 0] = ordered;
  const raw = registerCount(encoding) === 1 ? first : first * 0x10000 + second;
  return { raw, counts: countsOf(raw, encoding) };
}

/** The inverse, for simulators. @param counts what the number should say */
export function encodeRegisters(counts: number, encoding: RegisterEncoding): number[] {
  const view = new DataView(new ArrayBuffer(4));
  if (encoding.type === "f32") view.setFloat32(0, counts);
  else if (registerCount(encoding) === 2) view.setUint32(0, Math.round(counts) >>> 0);
  else view.setUint16(0, Math.round(counts) & 0xffff);
  const words = registerCount(encoding) === 1 ? [view.getUint16(0)] : [view.getUint16(0), view.getUint16(2)];
  if (encoding.wordOrder === "little") words.reverse();
  return encoding.byteOrder === "little" ? words.map(swapBytes) : words;
}

/**
 * 701 counts of 0.1 are 70.1 and not 70.10000000000001: a limit is compared with what the meter shows.
 * @param counts may be NaN or infinite, and then it stays so
 */
export function scaled(counts: number, scale: number, { type }: RegisterEncoding): number {
  if (!Number.isFinite(counts)) return Number.NaN;
  // A float carries about seven digits: what stands behind them is not the meter's.
  const value = type === "f32" ? Number(counts.toPrecision(7)) * scale : counts * scale;
  const decimals = Math.max(0, Math.ceil(-Math.log10(Math.abs(scale)))) + (type === "f32" ? 4 : 2);
  return Number(value.toFixed(Math.min(decimals, 20)));
}

function countsOf(raw: number, { type, isSigned = false }: RegisterEncoding): number {
  switch (type ?? (isSigned ? "i16" : "u16")) {
    case "i16":
      return raw >= 0x8000 ? raw - 0x10000 : raw;
    case "i32":
      return raw >= 0x8000_0000 ? raw - 0x1_0000_0000 : raw;
    case "f32": {
      const view = new DataView(new ArrayBuffer(4));
      view.setUint32(0, raw);
      return view.getFloat32(0);
    }
    default:
      return raw;
  }
}

function swapBytes(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}

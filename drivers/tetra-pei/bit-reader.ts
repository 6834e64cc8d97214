/** Reads unsigned numbers from bits, most significant first. Never beyond the length that was announced. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBit: number;
  #atBit = 0;

  /** @param bitCount announced length; what lies beyond it is padding */
  constructor(bytes: Uint8Array, bitCount = bytes.length * 8) {
    this.#bytes = bytes;
    this.#endBit = Math.min(bitCount, bytes.length * 8);
  }

  get left(): number {
    return this.#endBit - this.#atBit;
  }

  /** @param count 1 to 31; @returns undefined where so many bits are not there */
  take(count: number): number | undefined {
    if (count > this.left) return undefined;
    let value = 0;
    for (let index = 0; index < count; index++, this.#atBit++) {
      const byte = this.#bytes[this.#atBit >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#atBit & 7))) & 1);
    }
    return value;
  }

  /** Two's complement. */
  takeSigned(count: number): number | undefined {
    const value = this.take(count);
    return value === undefined || value < 2 ** (count - 1) ? value : value - 2 ** count;
  }
}

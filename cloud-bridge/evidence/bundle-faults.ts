/** What is wrong with a bundle, and where. */
export interface BundleFault {
  readonly code: string;
  readonly entry: string;
  /** Of a header, a signature, a manifest. */
  readonly field?: string;
  /** Bytes of the file, from (included) to (excluded). */
  readonly region?: { readonly from: number; readonly to: number };
  /** The same, counted from the start of the entry. */
  readonly within?: { readonly from: number; readonly to: number };
  readonly message: string;
}

/** A bundle's bytes, wherever they are. `read` gives what there is, less beyond the end. */
export interface ByteSource {
  readonly sizeBytes: number;
  read(offset: number, length: number): Uint8Array;
}

const LONGEST_SEARCH_BYTES = 32 * 1024;

/**
 * Looks for the one flipped bit that explains everything. Trying each bit of a piece costs the square of its length, so the
 * searches of one look at a bundle share what one longest search may hash: a file that is other bytes all through is not
 * searched piece by piece for hours.
 */
export class FlipSearch {
  #leftBytes: number;

  constructor(leftBytes = costBytes(LONGEST_SEARCH_BYTES)) {
    this.#leftBytes = leftBytes;
  }

  /** @returns the place of its byte; undefined when more is wrong, or it would take too long to try */
  find(bytes: Uint8Array, isRight: (bytes: Uint8Array) => boolean): number | undefined {
    if (costBytes(bytes.length) > this.#leftBytes) return undefined;
    this.#leftBytes -= costBytes(bytes.length);
    const candidate = Uint8Array.from(bytes);
    for (const [at, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit += 1) {
        candidate[at] = byte ^ (1 << bit);
        if (isRight(candidate)) return at;
      }
      candidate[at] = byte;
    }
    return undefined;
  }
}

function costBytes(lengthBytes: number): number {
  return 8 * lengthBytes * lengthBytes;
}

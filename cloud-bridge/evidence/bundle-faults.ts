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
 * Where one flipped bit explains everything.
 * @returns the place of its byte; undefined when more is wrong, or the region is too long to try
 */
export function findFlip(bytes: Uint8Array, isRight: (bytes: Uint8Array) => boolean): number | undefined {
  if (bytes.length > LONGEST_SEARCH_BYTES) return undefined;
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

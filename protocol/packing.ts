import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { DICTIONARY_1, DICTIONARY_1_ID } from "./dictionary-1.ts";

/**
 * How a packet goes: as it is, packed by zstd, or by zstd with the dictionary that all packets of a kind have in common. The
 * last only to who has said that it knows the dictionary: `have` lists those of the bridge, and who sends with one reads with it.
 */
export type Packing = "plain" | "zstd" | "dictionary";

/** Ids of the dictionaries that this code packs and unpacks with. */
export const DICTIONARIES: readonly number[] = [DICTIONARY_1_ID];

const dictionary = Buffer.from(DICTIONARY_1, "base64");
const WINDOW_LOG = 20;
/** What zstd's usual levels ask for: 2 MiB; more would let one packet claim 128 MiB. */
const READABLE_WINDOW_LOG = 21;

/** @returns `plain` itself where packing makes it no smaller */
export function pack(plain: Uint8Array, packing: Packing): Uint8Array {
  if (packing === "plain") return plain;
  const packed = zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_windowLog]: WINDOW_LOG },
    pledgedSrcSize: plain.length,
    ...(packing === "dictionary" ? { dictionary } : {}),
  });
  return packed.length < plain.length ? packed : plain;
}

/** Reverses `pack`, whichever way it went, for bytes from anyone. */
export function unpack(bytes: Uint8Array, maxBytes: number): Uint8Array | "too-large" | "corrupt" {
  if (!isZstd(bytes)) return bytes;
  try {
    return zstdDecompressSync(bytes, {
      maxOutputLength: maxBytes,
      params: { [constants.ZSTD_d_windowLogMax]: READABLE_WINDOW_LOG },
      // Making it ready is a quarter of the work of reading a packet, so only where it is named.
      ...(namesDictionary(bytes) ? { dictionary } : {}),
    });
  } catch (error) {
    return isTooLarge(error) ? "too-large" : "corrupt";
  }
}

/** Whether a packet was packed with a dictionary, by its head alone. @source RFC 8878 §3.1.1.1.1 */
export function namesDictionary(bytes: Uint8Array): boolean {
  return isZstd(bytes) && ((bytes[4] ?? 0) & 0b11) !== 0;
}

function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

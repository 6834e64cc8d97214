import { MAX_JSON_DEPTH } from "./limits.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const BRACE = 0x7b;
const BRACKET = 0x5b;

/** Nesting of braces and brackets outside strings, before anything is parsed. */
export function isShallow(bytes: Uint8Array, limit: number = MAX_JSON_DEPTH): boolean {
  // What opens no more often cannot nest deeper, and most records open a few times.
  const left = limit - timesWithin(bytes, BRACE, limit);
  if (left >= 0 && timesWithin(bytes, BRACKET, left) <= left) return true;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === BRACE || byte === BRACKET) {
      depth += 1;
      if (depth > limit) return false;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return true;
}

/** How often a byte occurs, counted to one more than `most`. */
function timesWithin(bytes: Uint8Array, byte: number, most: number): number {
  let times = 0;
  for (let at = bytes.indexOf(byte); at >= 0 && times <= most; at = bytes.indexOf(byte, at + 1)) times += 1;
  return times;
}

import { DriverError } from "../errors.ts";

/** Text coding schemes. @source EN 300 392-2, table 29.29 */
export const CODING = { packed7Bit: 0x00, latin1: 0x01, utf16: 0x1a } as const;

/** Schemes that the platform's decoder knows under the same name and meaning. */
const LABELS: Readonly<Record<number, string>> = {
  2: "iso-8859-2",
  3: "iso-8859-3",
  4: "iso-8859-4",
  5: "iso-8859-5",
  6: "iso-8859-6",
  7: "iso-8859-7",
  8: "iso-8859-8",
  10: "iso-8859-10",
  11: "iso-8859-13",
  12: "iso-8859-14",
  13: "iso-8859-15",
  24: "ibm866",
  26: "utf-16be",
};

/** GSM 03.38, in order; the escape (0x1b) opens its extension. */
const SEVEN_BIT =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: Readonly<Record<number, string>> = {
  10: "\f",
  20: "^",
  40: "{",
  41: "}",
  47: "\\",
  60: "[",
  61: "~",
  62: "]",
  64: "|",
  101: "€",
};

/** @throws DriverError SDS_TEXT_CODING, SDS_TEXT_BROKEN */
export function decodeText(coding: number, bytes: Uint8Array): string {
  if (coding === CODING.latin1) return Buffer.from(bytes).toString("latin1");
  if (coding === CODING.packed7Bit) return unpack7Bit(bytes);
  const label = LABELS[coding];
  if (label === undefined) {
    throw new DriverError("SDS_TEXT_CODING", `a text in coding scheme 0x${coding.toString(16).padStart(2, "0")}`, {
      retry: "backoff",
      hint: "Set the handsets to ISO 8859-1 or UTF-16; Chinese needs UTF-16.",
    });
  }
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DriverError("SDS_TEXT_BROKEN", `a text whose bytes are no ${label}`, {
      retry: "backoff",
      hint: "It was damaged or cut on the way; ask its sender to repeat it.",
      cause,
    });
  }
}

/** ISO 8859-1 where every character is in it, else UTF-16, so that what the receiver shows is what was written. */
export function codingFor(text: string): number {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0xff) return CODING.utf16;
  return CODING.latin1;
}

export function encodeText(coding: number, text: string): Uint8Array {
  if (coding === CODING.latin1) return Uint8Array.from(Buffer.from(text, "latin1"));
  return Uint8Array.from(Buffer.from(text, "utf16le").swap16());
}

/**
 * Cuts between characters as a reader sees them; one that is longer than a part alone is cut between code points.
 * @param maxBytes bytes of text that fit into one part, at least 4
 */
export function splitText(coding: number, text: string, maxBytes: number): string[] {
  const perUnit = coding === CODING.latin1 ? 1 : 2;
  const parts: string[] = [];
  let part = "";
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)) {
    const pieces = segment.length * perUnit > maxBytes ? [...segment] : [segment];
    for (const piece of pieces) {
      if (part !== "" && (part.length + piece.length) * perUnit > maxBytes) {
        parts.push(part);
        part = "";
      }
      part += piece;
    }
  }
  return [...parts, part];
}

function unpack7Bit(bytes: Uint8Array): string {
  let text = "";
  let isEscaped = false;
  const count = Math.floor((bytes.length * 8) / 7);
  for (let index = 0; index < count; index++) {
    const bit = index * 7;
    const pair = (bytes[bit >> 3] ?? 0) | ((bytes[(bit >> 3) + 1] ?? 0) << 8);
    const code = (pair >> (bit & 7)) & 0x7f;
    // Seven bits are left over in the last byte of seven, fifteen… characters: a filler, not an @.
    const isFiller = code === 0 && index === count - 1 && (count * 7) % 8 === 0;
    if (isFiller) break;
    if (isEscaped) text += EXTENSION[code] ?? "\ufffd";
    else if (code !== 0x1b) text += SEVEN_BIT[code] ?? "\ufffd";
    isEscaped = !isEscaped && code === 0x1b;
  }
  return text;
}

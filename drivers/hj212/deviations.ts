import { DriverError } from "../errors.ts";

/** What stations do against the standard, each with what it looks like. */
export const DEVIATIONS = {
  "lower-case-crc": "the checksum is in small letters",
  "lf-only": "the frame ends with LF alone",
  "no-line-end": "no line end follows the checksum",
  "short-crc": "the checksum lacks its leading zeros",
  "missing-crc": "there is no checksum",
  "modbus-crc": "the checksum is CRC-16/MODBUS",
  "wrong-crc": "the checksum is wrong",
  "wrong-length": "the length is not that of the data segment",
  "odd-mn": "the MN has not the length of its edition",
  "odd-qn": "the QN is no time of 17 digits",
  "no-qn": "there is no QN",
  "no-flag": "there is no Flag",
  "flag-without-pnum": "Flag says that PNUM and PNO follow, and they do not",
  space: "there are spaces between fields",
  "trailing-semicolon": "the data area ends with a semicolon",
  "noise-alias": "the level bears a name that is not the standard's",
} as const;
export type Deviation = keyof typeof DEVIATIONS;

export const DEVIATION_NAMES = Object.keys(DEVIATIONS).filter(isDeviation);

/** Harmless: what was meant is certain, and length and checksum still prove it. */
export const TOLERATED_BY_DEFAULT: readonly Deviation[] = [
  "lower-case-crc",
  "lf-only",
  "no-line-end",
  "odd-mn",
  "odd-qn",
  "no-qn",
  "no-flag",
  "flag-without-pnum",
  "space",
  "trailing-semicolon",
  "noise-alias",
];

export function isDeviation(name: string): name is Deviation {
  return name in DEVIATIONS;
}

/** A frame that deviates and is read all the same. */
export function tolerated(deviations: readonly Deviation[]): DriverError {
  return new DriverError("HJ212_DEVIATES", `the frame deviates from HJ 212: ${named(deviations)}`, {
    retry: "backoff",
    hint: "It is read all the same. Ask the station's maker to mend it, or take the name out of `tolerate` to refuse it.",
  });
}

/** A frame that deviates in a way that the config does not tolerate. */
export function refused(deviation: Deviation, seen: string = DEVIATIONS[deviation]): DriverError {
  return new DriverError("HJ212_REFUSED", `${deviation}: ${seen}`, {
    retry: "backoff",
    hint: `Nothing of the frame is used. Let the station mend it, or add ${deviation} to \`tolerate\` if you trust the line.`,
  });
}

function named(deviations: readonly Deviation[]): string {
  return deviations.map((deviation) => `${deviation} (${DEVIATIONS[deviation]})`).join(", ");
}

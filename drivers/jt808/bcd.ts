const NONE = 0xff;
/** Terminals tell the time of Beijing, whatever the time zone they are in. */
const GMT_PLUS_8_MS = 8 * 3_600_000;

/** Two digits a byte; a terminal that packs something else into its phone number gives the digits a to f. */
export function bcdText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** @param digits an even number of hex digits */
export function bcdBytes(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/**
 * @param bytes BCD YYMMDDhhmmss, GMT+8
 * @returns UTC, ms; undefined where it is no date
 * @source JT/T 808, location report 0200
 */
export function readTime(bytes: Uint8Array): number | undefined {
  const [year = NONE, month = NONE, day = NONE, hour = NONE, minute = NONE, second = NONE] = bytes;
  const local = new Date(
    Date.UTC(
      2000 + twoDigits(year),
      twoDigits(month) - 1,
      twoDigits(day),
      twoDigits(hour),
      twoDigits(minute),
      twoDigits(second),
    ),
  );
  // A date that does not exist would be moved to one that does: what was read must come out again.
  const isDate =
    local.getUTCMonth() === twoDigits(month) - 1 &&
    local.getUTCDate() === twoDigits(day) &&
    local.getUTCHours() === twoDigits(hour) &&
    local.getUTCMinutes() === twoDigits(minute) &&
    local.getUTCSeconds() === twoDigits(second);
  return isDate ? local.getTime() - GMT_PLUS_8_MS : undefined;
}

/** @returns NaN where a half of the byte is no digit */
function twoDigits(byte: number): number {
  const [tens, ones] = [byte >> 4, byte & 15];
  return tens > 9 || ones > 9 ? Number.NaN : tens * 10 + ones;
}

/** BCD YYMMDDhhmmss, GMT+8. */
export function timeBytes(atMs: number): Uint8Array {
  const text = new Date(atMs + GMT_PLUS_8_MS).toISOString().replaceAll(/\D/g, "").slice(2, 14);
  return bcdBytes(text);
}

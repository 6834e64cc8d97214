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
  const text = bcdText(bytes);
  if (!/^[0-9]{12}$/.test(text)) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (text.match(/../g) ?? []).map(Number);
  const localMs = Date.UTC(2000 + year, month - 1, day, hour, minute, second);
  // A date that does not exist would be moved to one that does.
  const isDate = new Date(localMs).toISOString().replaceAll(/\D/g, "").slice(2, 14) === text;
  return isDate ? localMs - GMT_PLUS_8_MS : undefined;
}

/** BCD YYMMDDhhmmss, GMT+8. */
export function timeBytes(atMs: number): Uint8Array {
  const text = new Date(atMs + GMT_PLUS_8_MS).toISOString().replaceAll(/\D/g, "").slice(2, 14);
  return bcdBytes(text);
}

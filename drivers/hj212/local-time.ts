/** The standard's times are those of GMT+8, whatever the station's place. */
const ZONE_MS = 8 * 3_600_000;
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/**
 * @param text `YYYYMMDDhhmmss`, with or without milliseconds behind it
 * @returns UTC in ms; undefined for no date of the calendar
 */
export function localTimeMs(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})?$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const utcMs = Date.UTC(year, month - 1, day, hour, minute, second, Number(match[7] ?? 0));
  const isReal = formatLocalTime(utcMs - ZONE_MS) === text.slice(0, 14);
  const atMs = utcMs - ZONE_MS;
  return isReal && atMs >= EARLIEST_MS && atMs < LATEST_MS ? atMs : undefined;
}

/** @returns `YYYYMMDDhhmmss` in GMT+8 */
export function formatLocalTime(atMs: number): string {
  return new Date(atMs + ZONE_MS).toISOString().replaceAll(/[-T:]/g, "").slice(0, 14);
}

/** A QN: the time in GMT+8 with milliseconds. */
export function formatRequestNumber(atMs: number): string {
  return new Date(atMs + ZONE_MS)
    .toISOString()
    .replaceAll(/[-T:.Z]/g, "")
    .slice(0, 17);
}

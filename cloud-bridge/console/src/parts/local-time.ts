const DAY_MS = 86_400_000;
const two = (n: number): string => String(n).padStart(2, "0");

/** `2026-11-25T20:15`, by the clock on this wall, as a `datetime-local` field wants it. */
export function localInput(atMs: number): string {
  const at = new Date(atMs);
  return `${localDate(atMs)}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function localDate(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** `2026-11-25T20:15` by the clock of a time zone: the site's, whatever the clock on this wall says. */
export function zonedInput(atMs: number, timeZone: string | undefined): string {
  if (timeZone === undefined) return localInput(atMs);
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
  const parts = new Intl.DateTimeFormat("en", { ...options, hourCycle: "h23", timeZone }).formatToParts(atMs);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}`;
}

/**
 * What such a field holds, as UTC in ms. Of an hour that comes twice when clocks are put back it is the first; one that is
 * skipped is counted on.
 */
export function zonedMs(text: string, timeZone: string | undefined): number {
  if (timeZone === undefined) return localMs(text);
  const asUtcMs = Date.parse(`${text}Z`);
  if (Number.isNaN(asUtcMs)) return asUtcMs;
  const offsetMs = (atMs: number): number => Date.parse(`${zonedInput(atMs, timeZone)}Z`) - atMs;
  const before = asUtcMs - offsetMs(asUtcMs - DAY_MS);
  const after = asUtcMs - offsetMs(asUtcMs + DAY_MS);
  const hits = [before, after].filter((atMs) => zonedInput(atMs, timeZone) === text);
  return hits.length === 0 ? before : Math.min(...hits);
}

/** What such a field holds, as UTC in ms; a field that is not whole is no number. */
export const localMs = (text: string): number => new Date(text).getTime();

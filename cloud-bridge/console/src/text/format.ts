import { type Locale, translate } from "./translate.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One unit only: an age is read at a glance. */
export function formatAge(locale: Locale, ms: number): string {
  const age = Math.max(0, ms);
  if (age < MINUTE_MS) return translate(locale, "unit.seconds", { n: Math.floor(age / 1000) });
  if (age < HOUR_MS) return translate(locale, "unit.minutes", { n: Math.floor(age / MINUTE_MS) });
  if (age < 2 * DAY_MS) return translate(locale, "unit.hours", { n: Math.floor(age / HOUR_MS) });
  return translate(locale, "unit.days", { n: Math.floor(age / DAY_MS) });
}

/** `4:07`, for a clock that runs. */
export function formatRunning(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const rest = `${String(Math.floor((seconds % 3600) / 60)).padStart(hours > 0 ? 2 : 1, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

export function formatDistance(locale: Locale, metres: number): string {
  if (metres < 1000) return translate(locale, "unit.metres", { n: Math.round(metres / 10) * 10 });
  return translate(locale, "unit.kilometres", { n: formatNumber(locale, metres / 1000, 1) });
}

export function formatNumber(locale: Locale, value: number, digits = 0): string {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export const formatLevel = (locale: Locale, levelDb: number): string => formatNumber(locale, levelDb, 1);

/** Time of day at the site, to the second. */
export function formatTime(locale: Locale, atMs: number, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(atMs);
}

export function formatDayTime(locale: Locale, atMs: number, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(atMs);
}

/** A clock that shows an earlier date was never set: this version did not exist then. Raised with each release. */
export const RELEASED_MS = Date.UTC(2026, 0, 1);
/** GPS numbers its weeks modulo 1024: a receiver that lost count is wrong by this much, with a valid fix. */
export const GPS_ROLLOVER_MS = 1024 * 7 * 86_400_000;

/**
 * Whether a clock's UTC can be true. The window is one rollover long, so that no date in it stays in it when it is taken
 * a rollover back or ahead.
 * @source IS-GPS-200, 20.3.3.3.1.1, week number of ten bits
 */
export function isBelievableDate(utcMs: number): boolean {
  return utcMs >= RELEASED_MS && utcMs < RELEASED_MS + GPS_ROLLOVER_MS;
}

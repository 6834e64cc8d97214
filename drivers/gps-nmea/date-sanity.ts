/** No receiver that works with this release can see an earlier date. Raised with each release. */
const BUILT_MS = Date.UTC(2026, 10, 1);
const YEARS_20_MS = 20 * 365.25 * 86_400_000;

/**
 * Whether a receiver's date can be true. GPS weeks wrap every 1024: a wrapped receiver says a date 7168 days too early
 * beside a valid fix.
 */
export function isSaneDate(utcMs: number): boolean {
  return utcMs >= BUILT_MS && utcMs < BUILT_MS + YEARS_20_MS;
}

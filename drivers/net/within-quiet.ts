import type { Clock } from "../driver.ts";

/** The next chunk, or "quiet" when none comes within `quietMs`; without `quietMs` it is waited for. */
export async function withinQuiet<T>(
  next: Promise<T>,
  quietMs: number | undefined,
  clock: Clock,
): Promise<T | "quiet"> {
  if (quietMs === undefined) return next;
  const heard = new AbortController();
  try {
    return await Promise.race([next, clock.sleep(quietMs, heard.signal).then(() => "quiet" as const)]);
  } finally {
    heard.abort();
  }
}

import type { Clock } from "../driver.ts";

/**
 * Yields at `start + k × periodMs` for ever: a slow consumer shifts no later slot. A slot that is late by less
 * than half a period is still served; others that passed while the consumer was busy are counted as missed, not made up.
 */
export async function* pollClock(
  clock: Clock,
  periodMs: number,
  signal: AbortSignal,
  onMissed: (missed: number) => void,
): AsyncGenerator<{ readonly missed: number }> {
  const startMs = clock.upMs();
  let slot = 0;
  while (!signal.aborted) {
    const dueMs = startMs + slot * periodMs;
    const waitMs = dueMs - clock.upMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    const current = Math.max(slot, Math.round((clock.upMs() - startMs) / periodMs));
    const missed = current - slot;
    if (missed > 0) onMissed(missed);
    const untilMs = startMs + current * periodMs - clock.upMs();
    if (untilMs > 0) await clock.sleep(untilMs, signal);
    if (signal.aborted) return;
    slot = current + 1;
    yield { missed };
  }
}

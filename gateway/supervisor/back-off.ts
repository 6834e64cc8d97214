const FIRST_MS = 1_000;
const LAST_MS = 60_000;
/** Share by which a pause may differ, so that devices that fell together do not come back together. */
const JITTER = 0.25;

/** Pauses before the next try: doubling from 1 s to 60 s, jittered. Endless. */
export function* backOff(random: () => number = Math.random): Generator<number, never> {
  let pauseMs = FIRST_MS;
  for (;;) {
    yield Math.round(pauseMs * (1 + JITTER * (2 * random() - 1)));
    pauseMs = Math.min(pauseMs * 2, LAST_MS);
  }
}

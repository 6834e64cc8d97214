const FIRST_MS = 1000;
const LAST_MS = 60_000;
/** Cameras lock an account after a few wrong passwords. */
const REFUSED_MS = 300_000;
const JITTER = 0.25;
/** Some cameras refuse whoever comes back too soon, or at once after a start: the first refusals count as trouble. */
const PATIENT_REFUSALS = 2;

/** Pauses between captures: 1 s to 60 s, doubling and jittered; minutes while the camera refuses the account. */
export function captureBackOff(random: () => number = Math.random): {
  next(isRefused: boolean): number;
  reset(): void;
} {
  let pauseMs = FIRST_MS;
  let refusals = 0;
  const jittered = (ms: number): number => Math.round(ms * (1 + JITTER * (2 * random() - 1)));
  return {
    next(isRefused) {
      refusals = isRefused ? refusals + 1 : 0;
      if (refusals > PATIENT_REFUSALS) return jittered(REFUSED_MS);
      const next = jittered(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LAST_MS);
      return next;
    },
    reset() {
      pauseMs = FIRST_MS;
      refusals = 0;
    },
  };
}

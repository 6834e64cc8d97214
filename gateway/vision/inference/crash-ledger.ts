const FIRST_MS = 1_000;
const LAST_MS = 60_000;
const JITTER = 0.25;
/** So many crashes in a row without one judged picture, or within the window whatever it judged. */
const IN_A_ROW = 5;
const IN_WINDOW = 10;
const WINDOW_MS = 600_000;
/** Then one more try: the memory that was short may be free again. */
const REST_MS = 3_600_000;

/** A model's own files are at fault: trying is cheap, and ends when somebody has put them right. */
const NO_CRASH = /^MODEL_/;

export interface CrashVerdict {
  readonly pauseMs: number;
  readonly isQuarantined: boolean;
}

/** When a process that died may be started again. Pure. */
export class CrashLedger {
  readonly #random: () => number;
  #recentMs: number[] = [];
  #inARow = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  worked(): void {
    this.#inARow = 0;
  }

  crashed(upMs: number, code: string): CrashVerdict {
    if (NO_CRASH.test(code)) return { pauseMs: LAST_MS, isQuarantined: false };
    this.#inARow++;
    this.#recentMs = [...this.#recentMs.filter((ms) => upMs - ms < WINDOW_MS), upMs];
    if (this.#inARow >= IN_A_ROW || this.#recentMs.length >= IN_WINDOW) {
      return { pauseMs: REST_MS, isQuarantined: true };
    }
    const pauseMs = Math.min(LAST_MS, FIRST_MS * 2 ** (this.#recentMs.length - 1));
    return { pauseMs: Math.round(pauseMs * (1 + JITTER * (2 * this.#random() - 1))), isQuarantined: false };
  }
}

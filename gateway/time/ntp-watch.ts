import { existsSync } from "node:fs";
import { CHRONY_FRESH_MS, isNtpSynchronised } from "./ntp-marks.ts";

const CHRONY_FOLDER = "/run/chrony";
const CHRONY_PORT = 323;
const ASK_EVERY_MS = 16_000;
/** An answer is good until three in a row have failed to come. */
const HOLDS_MS = 3 * ASK_EVERY_MS;

export interface NtpWatchOptions {
  readonly systemMs: () => number;
  readonly upMs: () => number;
  readonly root?: string;
  readonly port?: number;
}

/** Whether NTP keeps the system's clock: by the daemons' marks, and where chronyd shuts its own away, by its word. */
export class NtpWatch {
  readonly #options: NtpWatchOptions;
  #askedUpMs = Number.NEGATIVE_INFINITY;
  #heard: { readonly setMs: number | "never"; readonly upMs: number } | undefined;

  constructor(options: NtpWatchOptions) {
    this.#options = options;
  }

  /** Returns at once: an answer counts from the next call on. */
  readonly isSynchronised = (): boolean => {
    const { systemMs, upMs, root = "" } = this.#options;
    if (isNtpSynchronised(systemMs(), root)) return true;
    if (upMs() - this.#askedUpMs >= ASK_EVERY_MS && existsSync(root + CHRONY_FOLDER)) this.#ask();
    const heard = this.#heard;
    if (heard === undefined || heard.setMs === "never" || upMs() - heard.upMs > HOLDS_MS) return false;
    return Math.abs(systemMs() - heard.setMs) < CHRONY_FRESH_MS;
  };

  #ask(): void {
    const { upMs, port = CHRONY_PORT } = this.#options;
    this.#askedUpMs = upMs();
    // Only a box with chrony loads it.
    import("./chrony-word.ts")
      .then(({ lastSetByChrony }) => lastSetByChrony(port))
      .then((setMs) => {
        if (setMs !== undefined) this.#heard = { setMs, upMs: upMs() };
      })
      .catch(() => undefined);
  }
}

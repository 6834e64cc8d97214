import type { Logger } from "./store/logger.ts";

export interface HandsetPosition {
  readonly issi: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly accuracyM?: number;
  readonly atMs: number;
}

export type ReportHandset = (issi: string, fix: Omit<HandsetPosition, "issi">) => Promise<void>;

/** Hands the fixes of handsets to the desk, one after another; of a handset that waits only the newest. */
export class HandsetPositions {
  readonly #report: ReportHandset;
  readonly #log: Logger;
  readonly #waiting = new Map<string, HandsetPosition>();
  #running: Promise<void> | undefined;

  constructor(options: { readonly log: Logger; readonly report: ReportHandset }) {
    this.#report = options.report;
    this.#log = options.log;
  }

  seen(positions: readonly HandsetPosition[]): void {
    for (const position of positions) {
      if ((this.#waiting.get(position.issi)?.atMs ?? -1) <= position.atMs) this.#waiting.set(position.issi, position);
    }
    if (this.#waiting.size > 0) this.#running ??= this.#workOff();
  }

  /** Resolves once nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #workOff(): Promise<void> {
    for (const [issi, { issi: _, ...fix }] of this.#waiting) {
      this.#waiting.delete(issi);
      try {
        await this.#report(issi, fix);
      } catch (error) {
        this.#log.warn({ issi, error: String(error) }, "handset's position not taken");
      }
    }
    this.#running = undefined;
  }
}

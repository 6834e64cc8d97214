import type { Logger } from "../contracts/logger.ts";
import type { LinkTrouble } from "./link-trouble.ts";

/** A read that the disk refused may pass a moment later. */
const AGAIN_MS = 2000;

export interface JournalAnswersOptions {
  readonly log: Logger;
  readonly trouble: LinkTrouble;
  /** This uplink is to end: nobody waits any more. */
  readonly signal: AbortSignal;
  readonly onJournalBroken: (() => void) | undefined;
}

/** What the uplink asks of the journal, and what becomes of it where the disk refuses: said once, each kind of it. */
export class JournalAnswers {
  readonly #options: JournalAnswersOptions;

  constructor(options: JournalAnswersOptions) {
    this.#options = options;
  }

  later<T>(promise: Promise<T>, then: (value: T) => void): void {
    promise.then(then).catch((error: unknown) => this.#failed(error));
  }

  /** The session asks nothing else before this is there: it is asked again until it comes, or `isWanted` no longer. */
  untilThere<T>(ask: () => Promise<T>, then: (value: T) => void, isWanted: () => boolean): void {
    const again = (): void => {
      if (isWanted() && !this.#options.signal.aborted) this.untilThere(ask, then, isWanted);
    };
    const answer = ask();
    answer.catch(() => void setTimeout(again, AGAIN_MS).unref());
    this.later(answer, then);
  }

  #failed(error: unknown): void {
    const { log, trouble, signal, onJournalBroken } = this.#options;
    if (signal.aborted) return;
    const code = error instanceof Error && "code" in error ? String(error.code) : "UPLINK_FAULT";
    if (code === "JOURNAL_BROKEN") onJournalBroken?.();
    trouble.once(code, () => log.error({ code, error: String(error) }, "uplink could not use the journal"));
  }
}

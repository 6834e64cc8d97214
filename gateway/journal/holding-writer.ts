import type { Journal, JournalWrite } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";

const RETRY_MS = 2000;
const MAX_HELD = 2000;
/** Writes that a hung disk may owe an answer for. */
const MAX_PENDING = 5000;
/** What passes by itself once somebody makes room or the disk is back. */
const PASSING = new Set(["JOURNAL_FULL", "JOURNAL_READ_ONLY"]);

type Urgency = "urgent" | "grouped";
interface Held {
  readonly write: JournalWrite;
  readonly urgency: Urgency;
}

/**
 * Stands between the stages and the journal, so that a disk's trouble stops no driver: what the disk refuses waits in
 * memory, in order and bounded, alarms apart from the rest, and each trouble is said once.
 */
export class HoldingWriter {
  readonly #journal: Pick<Journal, "write">;
  readonly #log: Logger;
  readonly #onBroken: () => void;
  readonly #held: { readonly urgent: Held[]; readonly grouped: Held[] } = { urgent: [], grouped: [] };
  readonly #said = new Set<string>();
  #pending = 0;
  #lost = 0;
  #fault: { readonly code: string; readonly message: string; readonly hint: string } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRetrying = false;

  /** @param onBroken the journal cannot be written any more, however long one waits */
  constructor(journal: Pick<Journal, "write">, log: Logger, onBroken: () => void = () => {}) {
    this.#journal = journal;
    this.#log = log;
    this.#onBroken = onBroken;
  }

  get facts() {
    const held = this.#held.urgent.length + this.#held.grouped.length;
    return { heldWrites: held, lostWrites: this.#lost, ...(this.#fault === undefined ? {} : { fault: this.#fault }) };
  }

  /** Never rejects. @returns true once it is on the disk, false when it waits or is given up */
  async write(write: JournalWrite, urgency: Urgency): Promise<boolean> {
    if (this.#held[urgency].length > 0 || this.#pending >= MAX_PENDING) {
      this.#hold({ write, urgency });
      return false;
    }
    this.#pending += 1;
    try {
      await this.#journal.write(write, urgency);
      // An alarm that went, from the reserve, says nothing about the rest.
      if (urgency === "grouped") this.#endIfNoneWaits();
      return true;
    } catch (error) {
      this.#refused({ write, urgency }, error);
      return false;
    } finally {
      this.#pending -= 1;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #refused(held: Held, error: unknown): void {
    const { code, message, hint } = told(error);
    if (PASSING.has(code)) {
      this.#fault = { code, message, hint };
      this.#sayOnce(code, () =>
        this.#log.error({ code, reason: message, hint }, "journal refuses, writes wait in memory"),
      );
      this.#hold(held);
      return;
    }
    this.#lost += 1;
    this.#sayOnce(code, () => this.#log.error({ code, reason: message, hint }, "write given up"));
    if (code === "JOURNAL_BROKEN") this.#onBroken();
  }

  #hold({ write, urgency }: Held): void {
    const { levels: _, ...rest } = write;
    // Seconds of an unfinished minute are only for a restart; the minute itself is still in memory.
    const isWorth = (rest.append ?? rest.openAlarms ?? rest.closedAlarms ?? rest.dropLevelsBefore) !== undefined;
    if (!isWorth) return;
    const queue = this.#held[urgency];
    queue.push({ write: rest, urgency });
    if (queue.length > MAX_HELD) {
      queue.shift();
      this.#lost += 1;
      this.#sayOnce("JOURNAL_HELD_LOST", () =>
        this.#log.error({ code: "JOURNAL_HELD_LOST" }, "too much waits, oldest given up"),
      );
    }
    this.#timer ??= setTimeout(() => void this.#retry(), RETRY_MS);
  }

  async #retry(): Promise<void> {
    this.#timer = undefined;
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    try {
      for (const queue of [this.#held.urgent, this.#held.grouped]) {
        for (let held = queue[0]; held !== undefined; held = queue[0]) {
          try {
            await this.#journal.write(held.write, held.urgency);
          } catch (error) {
            if (PASSING.has(told(error).code)) break;
            this.#lost += 1;
          }
          if (queue[0] === held) queue.shift();
        }
      }
    } finally {
      this.#isRetrying = false;
    }
    if (this.facts.heldWrites > 0) {
      this.#timer ??= setTimeout(() => void this.#retry(), RETRY_MS);
      return;
    }
    this.#endIfNoneWaits();
  }

  #endIfNoneWaits(): void {
    if (this.#fault === undefined || this.facts.heldWrites > 0) return;
    this.#log.info({ code: this.#fault.code }, "journal takes writes again");
    this.#fault = undefined;
    this.#said.clear();
  }

  #sayOnce(code: string, say: () => void): void {
    if (this.#said.has(code)) return;
    this.#said.add(code);
    say();
  }
}

function told(error: unknown): { readonly code: string; readonly message: string; readonly hint: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "JOURNAL_FAULT";
  const hint = error instanceof Error && "hint" in error ? String(error.hint) : "";
  return { code, message, hint };
}

import type { Journal, JournalWrite, OpenAlarm, WriteWitness } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";

const RETRY_MS = 2000;
const MAX_HELD = 2000;
/** Writes that a hung disk may owe an answer for. */
const MAX_PENDING = 5000;
/** What is wrong with the write itself, and stays so. All else passes once somebody makes room, the disk is back, a lock is let go. */
const NEVER_TAKEN = /^(?:JOURNAL_FAULT|BODY_TOO_LARGE|SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH|RANGE).*)$/;
/** What only another start of the journal ends. */
const ENDING = new Set(["JOURNAL_BROKEN", "JOURNAL_CLOSED"]);

type Urgency = "urgent" | "grouped";
export interface HeldWrite {
  readonly write: JournalWrite;
  readonly urgency: Urgency;
}

/** What a gateway still owes its journal when it ends, for the next one in the same process. */
export interface HandOver {
  /** Never committed, in order. */
  readonly writes: readonly HeldWrite[];
  /** Open as the rules last said, whatever the file says. */
  readonly openAlarms: readonly OpenAlarm[];
}

/**
 * Stands between the stages and the journal, so that a disk's trouble stops no driver: what the disk refuses waits in
 * memory, in order and bounded, alarms apart from the rest, and each trouble is said once. Urgent writes go one after
 * another, so that a refused `raised` never commits after the `cleared` that followed it.
 */
export class HoldingWriter {
  readonly #journal: Pick<Journal, "write"> & Partial<WriteWitness>;
  readonly #log: Logger;
  readonly #onBroken: () => void;
  readonly #held: { urgent: HeldWrite[]; readonly grouped: HeldWrite[] } = { urgent: [], grouped: [] };
  readonly #waitingFor = new Map<HeldWrite, (isOnDisk: boolean) => void>();
  readonly #open: Map<string, OpenAlarm>;
  readonly #said = new Set<string>();
  #pending = 0;
  #answered = 0;
  #lost = 0;
  #fault: { readonly code: string; readonly message: string; readonly hint: string } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRetrying = false;
  #isUrgentOut = false;
  #urgentRun: Promise<void> = Promise.resolve();
  #hasEnded = false;

  /**
   * @param onBroken this journal cannot be written any more, however long one waits
   * @param openAlarms those that the start found
   */
  constructor(
    journal: Pick<Journal, "write"> & Partial<WriteWitness>,
    log: Logger,
    onBroken: () => void = () => {},
    openAlarms: readonly OpenAlarm[] = [],
  ) {
    this.#journal = journal;
    this.#log = log;
    this.#onBroken = onBroken;
    this.#open = new Map(openAlarms.map((alarm) => [alarm.body.alarmId, alarm]));
  }

  get facts() {
    const held = this.#held.urgent.length + this.#held.grouped.length - (this.#isUrgentOut ? 1 : 0);
    return { heldWrites: held, lostWrites: this.#lost, ...(this.#fault === undefined ? {} : { fault: this.#fault }) };
  }

  /** Whether the journal answers, be it with a refusal. */
  get progress(): { readonly pendingWrites: number; readonly answeredWrites: number } {
    const others = (this.#isUrgentOut ? 1 : 0) + (this.#isRetrying ? 1 : 0);
    return { pendingWrites: this.#pending + others, answeredWrites: this.#answered };
  }

  /** Never rejects. @returns true once it is on the disk, false when it waits or is given up */
  async write(write: JournalWrite, urgency: Urgency): Promise<boolean> {
    this.#journal.judged?.(write);
    for (const alarm of write.openAlarms ?? []) this.#open.set(alarm.body.alarmId, alarm);
    for (const alarmId of write.closedAlarms ?? []) this.#open.delete(alarmId);
    const held = { write, urgency };
    if (urgency === "urgent") return this.#inTurn(held);
    if (this.#hasEnded || this.#held.grouped.length > 0 || this.#pending >= MAX_PENDING) {
      this.#hold(held);
      return false;
    }
    this.#pending += 1;
    try {
      await this.#journal.write(write, urgency);
      // An alarm that went, from the reserve, says nothing about the rest.
      this.#endIfNoneWaits();
      return true;
    } catch (error) {
      if (this.#refused(error)) this.#hold(held);
      return false;
    } finally {
      this.#pending -= 1;
      this.#answered += 1;
    }
  }

  /** Resolves once the journal has answered for every alarm that it does not refuse. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#urgentRun;
    this.#hasEnded = true;
  }

  /** What waits when all is stopped. */
  handOver(): HandOver {
    return { writes: [...this.#held.urgent, ...this.#held.grouped], openAlarms: [...this.#open.values()] };
  }

  #inTurn(held: HeldWrite): Promise<boolean> {
    const isStuck = this.#hasEnded || (this.#held.urgent.length > 0 && !this.#isUrgentOut);
    this.#hold(held);
    if (isStuck) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waitingFor.set(held, resolve);
      void this.#writeUrgent();
    });
  }

  #writeUrgent(): Promise<void> {
    if (!this.#isUrgentOut) this.#urgentRun = this.#drainUrgent();
    return this.#urgentRun;
  }

  async #drainUrgent(): Promise<void> {
    for (let held = this.#held.urgent[0]; held !== undefined && !this.#hasEnded; held = this.#held.urgent[0]) {
      this.#isUrgentOut = true;
      let isOnDisk = false;
      let waits = false;
      try {
        await this.#journal.write(held.write, "urgent");
        isOnDisk = true;
      } catch (error) {
        waits = this.#refused(error);
      }
      this.#isUrgentOut = false;
      this.#answered += 1;
      if (waits) break;
      this.#held.urgent.shift();
      this.#answer(held, isOnDisk);
    }
    for (const held of this.#waitingFor.keys()) this.#answer(held, false);
    if (this.#held.urgent.length > 0) this.#retryLater();
  }

  #answer(held: HeldWrite, isOnDisk: boolean): void {
    this.#waitingFor.get(held)?.(isOnDisk);
    this.#waitingFor.delete(held);
  }

  /** @returns whether the write is worth keeping */
  #refused(error: unknown): boolean {
    const { code, message, hint } = told(error);
    if (!NEVER_TAKEN.test(code)) {
      this.#fault = { code, message, hint };
      this.#sayOnce(code, () =>
        this.#log.error({ code, reason: message, hint }, "journal refuses, writes wait in memory"),
      );
      if (ENDING.has(code) && !this.#hasEnded) {
        // What this file still took would be set aside with it.
        this.#hasEnded = true;
        this.#onBroken();
      }
      return true;
    }
    this.#lost += 1;
    this.#sayOnce(code, () => this.#log.error({ code, reason: message, hint }, "write given up"));
    return false;
  }

  #hold(held: HeldWrite): void {
    const { append, openAlarms, closedAlarms, dropLevelsBefore } = held.write;
    // Seconds of an unfinished minute are only for a restart; the minute itself is still in memory.
    if ((append ?? openAlarms ?? closedAlarms ?? dropLevelsBefore) === undefined) return;
    const queue = this.#held[held.urgency];
    queue.push(held);
    if (queue.length > MAX_HELD) this.#giveUpOne(held.urgency);
    if (held.urgency === "grouped") this.#retryLater();
  }

  /** Each revision of an alarm carries its full state: what a later one tells again goes first. */
  #giveUpOne(urgency: Urgency): void {
    const queue = this.#held[urgency];
    const first = urgency === "urgent" && this.#isUrgentOut ? 1 : 0;
    const repeated = urgency === "urgent" ? oldestRepeated(queue, first) : undefined;
    const [gone] = queue.splice(repeated ?? first, 1);
    if (gone !== undefined) this.#answer(gone, false);
    if (repeated !== undefined) return;
    this.#lost += 1;
    this.#sayOnce("JOURNAL_HELD_LOST", () =>
      this.#log.error({ code: "JOURNAL_HELD_LOST" }, "too much waits, oldest given up"),
    );
  }

  #retryLater(): void {
    if (!this.#hasEnded) this.#timer ??= setTimeout(() => void this.#retry(), RETRY_MS);
  }

  async #retry(): Promise<void> {
    this.#timer = undefined;
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    try {
      await this.#writeUrgent();
      const queue = this.#held.grouped;
      for (let held = queue[0]; held !== undefined && !this.#hasEnded; held = queue[0]) {
        try {
          await this.#journal.write(held.write, held.urgency);
        } catch (error) {
          if (this.#refused(error)) break;
        } finally {
          this.#answered += 1;
        }
        if (queue[0] === held) queue.shift();
      }
    } finally {
      this.#isRetrying = false;
    }
    if (this.facts.heldWrites > 0) this.#retryLater();
    else this.#endIfNoneWaits();
  }

  #endIfNoneWaits(): void {
    if (this.#fault === undefined || this.#hasEnded || this.facts.heldWrites > 0) return;
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

/** The oldest write from `first` on that holds nothing but a revision of an alarm of which a later one waits too. */
function oldestRepeated(queue: readonly HeldWrite[], first: number): number | undefined {
  const later = new Set<string>();
  let found: number | undefined;
  for (let at = queue.length - 1; at >= first; at -= 1) {
    const [record, ...others] = queue[at]?.write.append ?? [];
    if (record?.kind !== "alarm" || others.length > 0) continue;
    if (later.has(record.body.alarmId)) found = at;
    later.add(record.body.alarmId);
  }
  return found;
}

function told(error: unknown): { readonly code: string; readonly message: string; readonly hint: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "JOURNAL_FAULT";
  const hint = error instanceof Error && "hint" in error ? String(error.hint) : "";
  return { code, message, hint };
}

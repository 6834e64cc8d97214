import type { NewRecord } from "../../protocol/record.ts";
import type { CustodyJournal } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";
import { DayBudget, readDayUse, writeDayUse } from "./day-budget.ts";
import type { MqttSession } from "./mqtt-session.ts";
import type { Ration } from "./pace.ts";

const SETTING = "uplink.day";
const LOOK_EVERY_MS = 1_000;
/** A kill forgets at most what was used since the last note. */
const NOTE_EVERY_MS = 30_000;

export interface BudgetOptions {
  readonly dailyBytes: number;
  readonly timeZone: string;
  readonly journal: Pick<CustodyJournal, "getSetting" | "setSetting">;
  readonly stamp: () => Pick<NewRecord, "atMs" | "timeQuality">;
  readonly log: Logger;
  readonly session: () => MqttSession | undefined;
  readonly onRation: (ration: Ration) => void;
}

export interface BudgetFacts {
  readonly dayBytes: number;
  readonly dailyBytes: number;
  readonly ration: Ration;
}

/** Counts what the sockets of this node carry, both ways, against the day's budget, also over restarts. */
export class BudgetKeeper {
  readonly #options: BudgetOptions;
  readonly #budget: DayBudget;
  readonly #date: Intl.DateTimeFormat;
  readonly #timer: NodeJS.Timeout;
  #counted: { readonly session: MqttSession; readonly bytes: number } | undefined;
  #ration: Ration = "all";
  #notedAtMs = 0;
  #notedBytes = 0;

  private constructor(options: BudgetOptions, saved: string | undefined) {
    this.#options = options;
    const { timeZone, dailyBytes, stamp } = options;
    // Sweden writes its dates as ISO 8601 does.
    this.#date = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
    this.#budget = new DayBudget(dailyBytes, readDayUse(saved) ?? { day: this.#date.format(stamp().atMs), bytes: 0 });
    this.#notedBytes = this.#budget.use.bytes;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
    this.look();
  }

  static async open(options: BudgetOptions): Promise<BudgetKeeper> {
    return new BudgetKeeper(options, await options.journal.getSetting(SETTING));
  }

  get facts(): BudgetFacts {
    return { dayBytes: this.#budget.use.bytes, dailyBytes: this.#options.dailyBytes, ration: this.#ration };
  }

  /** Counts what went since the last look, and says what is left when that has changed. */
  look(): void {
    const { session: current, stamp, onRation } = this.#options;
    const session = current();
    let bytes = 0;
    if (session !== undefined) {
      const carried = session.bytesWritten + session.bytesRead;
      bytes = carried - (this.#counted?.session === session ? this.#counted.bytes : 0);
      this.#counted = { session, bytes: carried };
    }
    const { atMs, timeQuality } = stamp();
    const isNewDay = this.#budget.add(bytes, this.#date.format(atMs), timeQuality);
    const { ration } = this.#budget;
    if (isNewDay || ration !== this.#ration || performance.now() - this.#notedAtMs > NOTE_EVERY_MS) this.#note();
    if (ration === this.#ration) return;
    this.#ration = ration;
    this.#say();
    onRation(ration);
  }

  /** Counts a session to its end, which is when its socket is about to be forgotten. */
  ended(): void {
    this.look();
    this.#note();
  }

  close(): void {
    clearInterval(this.#timer);
    this.ended();
  }

  #note(): void {
    const { use } = this.#budget;
    this.#notedAtMs = performance.now();
    if (use.bytes === this.#notedBytes) return;
    this.#notedBytes = use.bytes;
    // A journal that cannot be written is said by those whose records wait for it.
    this.#options.journal.setSetting(SETTING, writeDayUse(use)).catch(() => undefined);
  }

  #say(): void {
    const { log } = this.#options;
    const facts = this.facts;
    if (facts.ration === "all") log.info(facts, "a new day of the byte budget, everything is sent again");
    else if (facts.ration === "live") {
      const hint =
        "Files and what is left of earlier sessions wait for the next day. Raise `bridge.dailyBytes` if that is too little.";
      log.warn({ code: "BUDGET_NEAR", ...facts, hint }, "four fifths of the day's bytes are used");
    } else log.warn({ code: BUDGET_SPENT.code, ...facts, hint: BUDGET_SPENT.hint }, BUDGET_SPENT.message);
  }
}

export const BUDGET_SPENT = {
  code: "BUDGET_SPENT",
  message: "the day's bytes are used, only alarms and the node's own state are sent",
  hint: "Readings wait for the next day and are kept. Raise `bridge.dailyBytes`, or find what sends so much.",
};

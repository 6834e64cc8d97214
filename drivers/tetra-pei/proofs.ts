import type { Clock } from "../driver.ts";
import { DriverError } from "../errors.ts";
import type { DeliveryWord, ReportLevel } from "./sds.ts";

const MAX_AWAITED = 512;

interface Awaited {
  readonly level: ReportLevel;
  settle(outcome: "proven" | DriverError): void;
}

/** Waits for the reports of messages that were sent, by handset and reference. */
export class Proofs {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #awaited = new Map<string, Awaited>();
  #reference = 0;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#reference = clock.upMs() & 0xff;
  }

  /** @returns the first of `count` references in a row that nobody awaits */
  reserve(to: string, count: number): number {
    const isFree = (first: number): boolean =>
      Array.from({ length: count }, (_, index) => keyOf(to, (first + index) & 0xff)).every(
        (key) => !this.#awaited.has(key),
      );
    for (let tries = 0; tries < 256 && !isFree(this.#reference); tries++)
      this.#reference = (this.#reference + 1) & 0xff;
    const first = this.#reference;
    this.#reference = (first + count) & 0xff;
    return first;
  }

  /**
   * Call it before the message is sent: the report may come at once. `give up` ends a wait that nobody needs any more.
   * @returns resolves when the report has come; rejects with RADIO_NOT_DELIVERED, RADIO_NOT_PROVEN
   */
  expect(
    to: string,
    reference: number,
    level: ReportLevel,
  ): { proven(withinMs: number): Promise<void>; giveUp(): void } {
    const key = keyOf(to, reference);
    const { promise, resolve } = Promise.withResolvers<"proven" | DriverError>();
    if (this.#awaited.size < MAX_AWAITED) this.#awaited.set(key, { level, settle: resolve });
    const giveUp = (): void => {
      this.#awaited.delete(key);
    };
    const proven = async (withinMs: number): Promise<void> => {
      const over = new AbortController();
      const end = AbortSignal.any([over.signal, this.#signal]);
      const late = this.#clock.sleep(withinMs, end).then(() => notProven(to, level, withinMs));
      const outcome = await Promise.race([promise, late]);
      over.abort();
      giveUp();
      if (outcome instanceof DriverError) throw outcome;
    };
    return { proven, giveUp };
  }

  /** @returns whether somebody waited for it */
  take(from: string, word: DeliveryWord): boolean {
    const awaited = this.#awaited.get(keyOf(from, word.reference));
    if (awaited === undefined) return false;
    if (word.outcome === "failed") awaited.settle(notDelivered(from, word.status));
    else if (word.outcome === "consumed" || word.outcome === awaited.level) awaited.settle("proven");
    return true;
  }
}

function keyOf(handset: string, reference: number): string {
  return `${handset} ${reference}`;
}

function notDelivered(to: string, status: number): DriverError {
  return new DriverError("RADIO_NOT_DELIVERED", `handset ${to} did not get the message, delivery status ${status}`, {
    retry: "backoff",
    hint: "Is the handset switched on and in coverage? Send it again, or call.",
  });
}

function notProven(to: string, level: ReportLevel, withinMs: number): DriverError {
  return new DriverError(
    "RADIO_NOT_PROVEN",
    `sent, but nothing says within ${withinMs} ms that ${to} has ${level} it`,
    {
      retry: "backoff",
      hint: "It may arrive later, or have arrived. Groups never report: send to them with proof none.",
    },
  );
}

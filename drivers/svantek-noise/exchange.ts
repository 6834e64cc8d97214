import type { ByteLink, Clock } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ahead } from "../net/ahead.ts";
import { lineClosed, orQuiet } from "../serial/own-line.ts";
import { type SvantekAnswer, SvantekReader } from "./answer.ts";

/** A meter that floods is asked all the same. */
const MOST_UNASKED_CHUNKS = 64;

/** An answer that is this late does not come any more. */
const OUTSTANDING_MS = 10_000;

/**
 * Queries to one meter, one at a time. Answers carry no number of their own, but come in the order of the queries: an answer
 * is believed only when no other can still be on its way. After one that did not come in time, only the answer to a query of
 * a function that is not outstanding shows that.
 */
export class SvantekExchange {
  readonly #link: ByteLink;
  readonly #clock: Clock;
  readonly #onFault: (error: DriverError) => void;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #reader = new SvantekReader();
  #waiting: SvantekAnswer[] = [];
  #next: Promise<IteratorResult<Uint8Array>>;
  #outstanding: { readonly function: number; readonly atMs: number }[] = [];

  constructor(link: ByteLink, clock: Clock, onFault: (error: DriverError) => void) {
    this.#link = link;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#chunks = link[Symbol.asyncIterator]();
    this.#next = ahead(this.#chunks);
  }

  /** Functions whose answers may still come. */
  get outstanding(): readonly number[] {
    return this.#outstanding.map((query) => query.function);
  }

  /**
   * @param query without `#` and `;`
   * @returns the fields of its answer
   * @throws DriverError METER_TIMEOUT, CONNECTION_LOST
   */
  async ask(query: string, timeoutMs: number): Promise<readonly string[]> {
    const wanted = Number(query[0]);
    await this.#drain();
    const askedMs = this.#clock.upMs();
    this.#outstanding = this.#outstanding.filter(({ atMs }) => askedMs - atMs < OUTSTANDING_MS);
    this.#outstanding.push({ function: wanted, atMs: askedMs });
    await this.#link.write(Buffer.from(`#${query};`));
    for (;;) {
      const answer = this.#waiting.shift();
      if (answer !== undefined) {
        this.#paid(answer);
        if (answer.function === wanted && this.#outstanding.length === 0) return answer.fields;
        continue;
      }
      const leftMs = askedMs + timeoutMs - this.#clock.upMs();
      if (leftMs <= 0 || !(await this.#receive(leftMs))) {
        throw new DriverError("METER_TIMEOUT", `no answer to "#${query.slice(0, 20)};" within ${timeoutMs} ms`, {
          retry: "backoff",
          hint: "Is the meter on, its port set to remote control, and the baud rate right?",
        });
      }
    }
  }

  /** Its query is the oldest of that function; what was asked before that will not be answered any more. */
  #paid(answer: SvantekAnswer): void {
    const index = this.#outstanding.findIndex((query) => query.function === answer.function);
    this.#outstanding.splice(0, index + 1);
  }

  /** What came unasked is not an answer to what is asked next. */
  async #drain(): Promise<void> {
    for (let chunks = 0; chunks < MOST_UNASKED_CHUNKS && (await this.#receive(0)); chunks++);
    for (const answer of this.#waiting) this.#paid(answer);
    this.#waiting = [];
    this.#reader.clear();
  }

  async #receive(withinMs: number): Promise<boolean> {
    const chunk = await orQuiet(this.#next, Math.max(0, withinMs), this.#clock);
    if (chunk === "quiet") return false;
    if (chunk.done === true) throw lineClosed(this.#link.peer);
    this.#next = ahead(this.#chunks);
    for (const found of this.#reader.push(chunk.value)) {
      if ("fault" in found) this.#onFault(found.fault);
      else if (this.#waiting.length < MOST_UNASKED_CHUNKS) this.#waiting.push(found.answer);
    }
    return true;
  }
}

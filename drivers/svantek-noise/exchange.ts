import type { ByteLink, Clock } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ahead, lineClosed, orQuiet } from "../serial/own-line.ts";
import { type SvantekAnswer, SvantekReader } from "./answer.ts";

/** A meter that floods is asked all the same. */
const MOST_UNASKED_CHUNKS = 64;

/**
 * Queries to one meter, one at a time. Answers carry no number of their own: after one that did not come in time, only the
 * answer to a query of another function shows that nothing older is on its way, and until then none is believed.
 */
export class SvantekExchange {
  readonly #link: ByteLink;
  readonly #clock: Clock;
  readonly #onFault: (error: DriverError) => void;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #reader = new SvantekReader();
  readonly #waiting: SvantekAnswer[] = [];
  #next: Promise<IteratorResult<Uint8Array>>;
  #owed: number | undefined;

  constructor(link: ByteLink, clock: Clock, onFault: (error: DriverError) => void) {
    this.#link = link;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#chunks = link[Symbol.asyncIterator]();
    this.#next = ahead(this.#chunks);
  }

  /** Function of an answer that never came; a query of another function must be answered before it may be asked again. */
  get owed(): number | undefined {
    return this.#owed;
  }

  /**
   * @param query without `#` and `;`
   * @returns the fields of its answer
   * @throws DriverError METER_TIMEOUT, CONNECTION_LOST
   */
  async ask(query: string, timeoutMs: number): Promise<readonly string[]> {
    const wanted = Number(query[0]);
    await this.#drain();
    await this.#link.write(Buffer.from(`#${query};`));
    const untilMs = this.#clock.upMs() + timeoutMs;
    for (;;) {
      const answer = this.#waiting.shift();
      if (answer?.function === wanted) {
        if (this.#owed !== wanted) this.#owed = undefined;
        return answer.fields;
      }
      if (answer !== undefined) continue;
      const leftMs = untilMs - this.#clock.upMs();
      if (leftMs <= 0 || !(await this.#receive(leftMs))) {
        this.#owed ??= wanted;
        throw new DriverError("METER_TIMEOUT", `no answer to "#${query.slice(0, 20)};" within ${timeoutMs} ms`, {
          retry: "backoff",
          hint: "Is the meter on, its port set to remote control, and the baud rate right?",
        });
      }
    }
  }

  /** What came unasked is not an answer to what is asked next. */
  async #drain(): Promise<void> {
    for (let chunks = 0; chunks < MOST_UNASKED_CHUNKS && (await this.#receive(0)); chunks++);
    this.#waiting.length = 0;
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

import { helloPages } from "../../protocol/hello.ts";
import { HELLO_EVERY_MS } from "../../protocol/limits.ts";
import type { Have, Hello } from "../../protocol/session.ts";
import type { RunSummary } from "../contracts/journal.ts";

const HOLD_MS = 60_000;

/**
 * One hello, page by page: the newest runs first, the next page when the one before is answered, each again every five
 * seconds until then, so that a slow line never carries the same page twice at once for long.
 */
export class Handshake {
  #pages: readonly Hello[] = [];
  #next = 0;
  #sentAtMs: number | undefined;
  #gatheredAtMs: number;
  #heldUntilMs: number | undefined;

  constructor(nowMs: number) {
    this.#gatheredAtMs = nowMs;
  }

  /** The bridge has asked for a hello while this one was under way: what it answered may be older than that. */
  isOutdated = false;

  get isGathered(): boolean {
    return this.#pages.length > 0;
  }

  get isAnswered(): boolean {
    return this.isGathered && this.#next >= this.#pages.length;
  }

  get runs(): readonly RunSummary[] {
    return this.#pages.flatMap(({ runs }) => runs);
  }

  gathered(session: string, current: string, runs: readonly RunSummary[], open: readonly string[]): void {
    this.#pages = helloPages({ session, current, runs, open });
    this.#next = 0;
  }

  /** What to do now: gather, send a page, or nothing. */
  due(nowMs: number): "gather" | Hello | undefined {
    if (nowMs < this.#dueAtMs) return undefined;
    if (!this.isGathered) {
      this.#gatheredAtMs = nowMs;
      return "gather";
    }
    const page = this.#pages[this.#next];
    if (page === undefined) return undefined;
    this.#sentAtMs = nowMs;
    this.#heldUntilMs = undefined;
    return page;
  }

  get #dueAtMs(): number {
    if (!this.isGathered) return this.#gatheredAtMs + HELLO_EVERY_MS;
    if (this.#heldUntilMs !== undefined) return this.#heldUntilMs;
    return this.#sentAtMs === undefined ? 0 : this.#sentAtMs + HELLO_EVERY_MS;
  }

  /** When `due` must be asked again; undefined once all is answered. */
  get wakeAtMs(): number | undefined {
    return this.isAnswered ? undefined : this.#dueAtMs;
  }

  /** Takes an answer to the page that is due or to an earlier one. */
  answered(have: Have): void {
    if (have.page !== this.#next || this.#sentAtMs === undefined) return;
    this.#next += 1;
    this.#sentAtMs = undefined;
    this.#heldUntilMs = undefined;
  }

  /** Whether the page was part of this hello and has been sent. */
  covers(have: Have): boolean {
    return have.page < this.#next || (have.page === this.#next && this.#sentAtMs !== undefined);
  }

  /** The bridge reads no version that we write: ask again in a minute. */
  hold(nowMs: number): void {
    this.#heldUntilMs = nowMs + HOLD_MS;
  }
}

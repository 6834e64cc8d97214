import { DriverError } from "../errors.ts";
import type { Frame } from "./frame.ts";

const MOST_PARTS = 64;
const MOST_WAITING = 4;
const WITHIN_MS = 60_000;

interface Waiting {
  readonly parts: Map<number, Uint8Array>;
  readonly total: number;
  readonly sinceUpMs: number;
}

/** Puts the parts of long messages of one terminal together; bounded in parts, messages and time. */
export class Fragments {
  readonly #waiting = new Map<string, Waiting>();
  readonly #fault: (error: DriverError) => void;

  /** @param fault hears of messages that never became whole */
  constructor(fault: (error: DriverError) => void) {
    this.#fault = fault;
  }

  /**
   * @returns the whole message with the serial of its first part, once every part is there; undefined before
   * @throws DriverError JT808_PARTS where the numbers of a part cannot be
   */
  take(frame: Frame, upMs: number): Frame | undefined {
    const { part, ...whole } = frame;
    if (part === undefined) return frame;
    this.forget(upMs);
    const { total, index } = part;
    if (total < 1 || total > MOST_PARTS || index < 1 || index > total) {
      throw partsFault(`part ${index} of ${total}; at most ${MOST_PARTS} are taken`);
    }
    // Parts follow each other in serial: what their first has names them all.
    const serial = (frame.serial - index + 1) & 0xffff;
    const key = `${frame.messageId} ${serial} ${total}`;
    const waiting = this.#waiting.get(key) ?? { parts: new Map<number, Uint8Array>(), total, sinceUpMs: upMs };
    this.#waiting.set(key, waiting);
    waiting.parts.set(index, frame.body);
    if (waiting.parts.size < total) {
      if (this.#waiting.size > MOST_WAITING) this.#dropOldest();
      return undefined;
    }
    this.#waiting.delete(key);
    const bodies = Array.from({ length: total }, (_, at) => waiting.parts.get(at + 1) ?? new Uint8Array());
    return { ...whole, serial, body: Uint8Array.from(Buffer.concat(bodies)) };
  }

  /** Gives up what has waited too long. */
  forget(upMs: number): void {
    for (const [key, { parts, total, sinceUpMs }] of this.#waiting) {
      if (upMs - sinceUpMs < WITHIN_MS) continue;
      this.#waiting.delete(key);
      this.#fault(partsFault(`${total - parts.size} of ${total} parts did not come within ${WITHIN_MS / 1000} s`));
    }
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest === undefined) return;
    this.#waiting.delete(oldest);
    this.#fault(partsFault(`more than ${MOST_WAITING} messages are sent in parts at once`));
  }
}

function partsFault(message: string): DriverError {
  return new DriverError("JT808_PARTS", message, {
    retry: "backoff",
    hint: "The link loses frames, or the terminal counts its parts wrongly.",
  });
}

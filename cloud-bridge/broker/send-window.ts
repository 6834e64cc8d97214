/** Beyond this nothing more waits: what is not sent is given again. */
const MAX_WAITING = 10_000;

/**
 * How many publishes a broker takes before it has acknowledged one (MQTT 5, Receive Maximum): one that is sent more ends the
 * connection.
 */
export class SendWindow {
  #free: number;
  #isOpen = true;
  readonly #waiting: ((isOpen: boolean) => void)[] = [];

  constructor(receiveMaximum: number) {
    this.#free = receiveMaximum;
  }

  /** @returns whether a place was got; false when the connection is gone, or too many wait */
  enter(): Promise<boolean> {
    if (!this.#isOpen) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.length >= MAX_WAITING) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next(true);
  }

  /** The connection is gone: who waits gets nothing. */
  drop(): void {
    this.#isOpen = false;
    for (const give of this.#waiting.splice(0)) give(false);
  }
}

/** Two waiting lines, served one at a time: whatever is a command goes before every poll. */
export class ExchangeLanes {
  readonly #limit: number;
  readonly #commands: (() => Promise<void>)[] = [];
  readonly #polls: (() => Promise<void>)[] = [];
  #isServing = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#commands.length + this.#polls.length >= this.#limit;
  }

  /** Runs `exchange` when its turn comes. */
  async run<T>(priority: "command" | "poll", exchange: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const lane = priority === "command" ? this.#commands : this.#polls;
    lane.push(() => exchange().then(resolve, reject));
    if (!this.#isServing) void this.#serve();
    return promise;
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    for (;;) {
      const next = this.#commands.shift() ?? this.#polls.shift();
      if (next === undefined) break;
      await next();
    }
    this.#isServing = false;
  }
}

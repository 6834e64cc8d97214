/**
 * Hands items from a callback world to one `for await`. Bounded: beyond `limit` the oldest is dropped and counted, so that
 * a reader who stops cannot fill the memory.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;
  #end: { readonly error?: unknown } | undefined;
  #dropped = 0;
  readonly #onDrop: ((item: T) => void) | undefined;

  constructor(limit: number, onDrop?: (item: T) => void) {
    this.#limit = limit;
    this.#onDrop = onDrop;
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    if (this.#end !== undefined) {
      this.#onDrop?.(item);
      return;
    }
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ value: item, done: false });
      this.#waiting = undefined;
      return;
    }
    this.#items.push(item);
    if (this.#items.length > this.#limit) {
      const oldest = this.#items.shift();
      this.#dropped++;
      if (oldest !== undefined) this.#onDrop?.(oldest);
    }
  }

  /** What is queued is still handed out; then iterating ends, or throws `error`. */
  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    if (this.#waiting === undefined) return;
    if (error === undefined) this.#waiting.resolve({ value: undefined, done: true });
    else this.#waiting.reject(error);
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: async () => ({ value: undefined, done: true }),
    };
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) return { value: item, done: false };
    if (this.#end !== undefined) {
      if (this.#end.error !== undefined) throw this.#end.error;
      return { value: undefined, done: true };
    }
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }
}

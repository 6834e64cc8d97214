import type { BridgeClock } from "../store/clock.ts";
import type { Db } from "../store/database.ts";

const KEPT_MS = 2_000;

/** Whether the database takes a write right now: a full disk still reads well. Asked often, it writes seldom. */
export class StoreProbe {
  readonly #db: Db;
  readonly #clock: BridgeClock;
  #askedAtUpMs = Number.NEGATIVE_INFINITY;
  #verdict: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(db: Db, clock: BridgeClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** @returns undefined when it is well, else what the database said */
  fault(): Promise<string | undefined> {
    if (this.#clock.upMs() - this.#askedAtUpMs > KEPT_MS) {
      this.#askedAtUpMs = this.#clock.upMs();
      this.#verdict = this.#write();
    }
    return this.#verdict;
  }

  async #write(): Promise<string | undefined> {
    const value = String(this.#clock.nowMs());
    try {
      await this.#db
        .insertInto("meta")
        .values({ key: "probed", value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
      return undefined;
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : String(error);
    }
  }
}

import { setTimeout as later } from "node:timers/promises";
import { sql } from "kysely";
import type { Client } from "pg";
import type { Bus, BusMessage } from "./bus.ts";
import type { Db } from "./handle.ts";
import type { Logger } from "./logger.ts";
import { clientConfig, type PostgresAddress } from "./postgres-connection.ts";
import { loadPostgres } from "./postgres-store.ts";

const CHANNEL = "shao";
const RETRY_MS = 1_000;
const BEAT_MS = 2_000;
/** PostgreSQL takes notices of less than 8,000 bytes. */
const MAX_BYTES = 7_900;

export interface BusOptions {
  readonly address: PostgresAddress;
  readonly db: Db;
  /** Id of this process: what it tells does not come back to it. */
  readonly worker: string;
  readonly log: Logger;
  /** @param from id of the process that tells it */
  readonly onMessage: (message: BusMessage, from: string) => void;
  /** Listens again after a while in which anything may have been told. */
  readonly onBack: () => void;
}

/** The processes of one bridge tell each other through their database. */
export class PostgresBus implements Bus {
  readonly #options: BusOptions;
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #running: Promise<void> | undefined;

  static async start(options: BusOptions): Promise<PostgresBus> {
    const bus = new PostgresBus(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    bus.#running = bus.#run(resolve);
    await promise;
    return bus;
  }

  private constructor(options: BusOptions) {
    this.#options = options;
  }

  tell(message: BusMessage): void {
    const { db, worker, log } = this.#options;
    const text = JSON.stringify({ from: worker, message });
    if (Buffer.byteLength(text) > MAX_BYTES) return;
    sql`select pg_notify(${CHANNEL}, ${text})`.execute(db).catch((error: unknown) => {
      if (!this.#closing.signal.aborted)
        log.warn({ kind: message.kind, error: String(error) }, "other processes not told");
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.end().catch(() => {});
    await this.#running;
  }

  async #run(onFirst: () => void): Promise<void> {
    const { Client } = await loadPostgres();
    const { address, log } = this.#options;
    for (let isFirst = true; !this.#closing.signal.aborted; isFirst = false) {
      const client = new Client(clientConfig(address, "shao bus"));
      this.#client = client;
      const gone = Promise.withResolvers<string>();
      client.on("error", (error) => gone.resolve(error.message));
      client.on("end", () => gone.resolve("the connection has ended"));
      client.on("notification", ({ payload }) => this.#hear(payload ?? ""));
      try {
        await client.connect();
        await client.query(`LISTEN ${CHANNEL}`);
        if (!isFirst) this.#options.onBack();
        onFirst();
        // A cable that is gone is noticed by asking.
        const beating = setInterval(() => void client.query("SELECT 1").catch(() => {}), BEAT_MS);
        const reason = await gone.promise.finally(() => clearInterval(beating));
        if (!this.#closing.signal.aborted) log.warn({ reason }, "other processes are not heard, will listen again");
      } catch (error) {
        if (!this.#closing.signal.aborted) log.warn({ reason: String(error) }, "other processes are not heard");
      }
      onFirst();
      await Promise.race([client.end().catch(() => {}), later(RETRY_MS)]);
      await later(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  #hear(text: string): void {
    // Only processes of this bridge write on the channel of its database.
    const { from, message } = JSON.parse(text) as { from: string; message: BusMessage };
    if (from !== this.#options.worker) this.#options.onMessage(message, from);
  }
}

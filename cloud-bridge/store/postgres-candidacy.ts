import { randomBytes } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";
import { Kysely, PostgresDialect } from "kysely";
import type { Client } from "pg";
import { type Candidacy, type CandidacyNews, type Elected, SESSION_PREFIX } from "./candidacy.ts";
import { clientConfig, type PostgresAddress } from "./postgres-connection.ts";
import { SingleConnection } from "./postgres-pool.ts";
import { loadPostgres } from "./postgres-store.ts";
import type { Tables } from "./schema.ts";

/** Any number that no other program uses in this database. */
const WRITER_LOCK = 0x53_48_41_4e;
const BEAT_MS = 500;
/** A process that says nothing for this long has its session ended by the server, and the lock goes with it. */
const SILENT_MS = 5_000;
/** No answer for this long: the connection is given up from this side. A statement may wait for another's lock for a while. */
const PATIENCE_MS = 15_000;

export interface CandidacyOptions extends CandidacyNews {
  readonly address: PostgresAddress;
  /** Id of this process, drawn at its start. */
  readonly worker: string;
  /** Never to be elected: it takes records and serves pages, and others act. */
  readonly isWorkerOnly: boolean;
}

/** Stands for election as long as the process lives; a lost connection is made anew, and the election begins again. */
export class PostgresCandidacy implements Candidacy {
  elected: Elected | undefined;
  readonly #options: CandidacyOptions;
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #running: Promise<void> | undefined;

  /** Resolves once this process is known to the database, and elected if nobody else was. */
  static async start(options: CandidacyOptions): Promise<PostgresCandidacy> {
    const candidacy = new PostgresCandidacy(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    candidacy.#running = candidacy.#run(resolve);
    await promise;
    return candidacy;
  }

  private constructor(options: CandidacyOptions) {
    this.#options = options;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.end().catch(() => {});
    await this.#running;
  }

  async #run(onFirst: () => void): Promise<void> {
    const { Client } = await loadPostgres();
    const { address, worker } = this.#options;
    const limits = { idle_session_timeout: SILENT_MS, idle_in_transaction_session_timeout: SILENT_MS };
    for (let isFirst = true; !this.#closing.signal.aborted; isFirst = false) {
      const client = new Client(clientConfig(address, `${SESSION_PREFIX}${worker}`, limits));
      this.#client = client;
      const gone = Promise.withResolvers<string>();
      client.on("error", (error) => gone.resolve(error.message));
      client.on("end", () => gone.resolve("the connection has ended"));
      const session = this.#serve(client, isFirst, onFirst).catch((error: unknown) => String(error));
      const reason = await Promise.race([gone.promise, session]);
      onFirst();
      const wasElected = this.elected !== undefined;
      this.elected = undefined;
      if (wasElected && !this.#closing.signal.aborted) this.#options.onLost(reason);
      await Promise.race([client.end().catch(() => {}), later(BEAT_MS)]);
      await later(BEAT_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  async #serve(client: Client, isFirst: boolean, onFirst: () => void): Promise<string> {
    await client.connect();
    for (let beat = 0; !this.#closing.signal.aborted; beat += 1) {
      if (this.elected === undefined && !this.#options.isWorkerOnly) await answered(this.#stand(client));
      else await answered(client.query("SELECT 1"));
      if (beat === 0) {
        if (!isFirst) this.#options.onBack();
        onFirst();
      }
      await later(BEAT_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
    return "the process ends";
  }

  async #stand(client: Client): Promise<void> {
    const { rows } = await client.query("SELECT pg_try_advisory_lock($1) AS won", [WRITER_LOCK]);
    if (rows[0].won !== true) return;
    const epoch = randomBytes(16).toString("base64url");
    await client.query(
      "INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      [epoch],
    );
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new SingleConnection(client) }) });
    this.elected = { db, epoch };
    this.#options.onElected(this.elected);
  }
}

async function answered<T>(asked: Promise<T>): Promise<T> {
  const ended = new AbortController();
  try {
    return await Promise.race([
      asked,
      later(PATIENCE_MS, undefined, { signal: ended.signal }).then(() => {
        throw new Error(`the database has not answered for ${PATIENCE_MS / 1000} s`);
      }),
    ]);
  } finally {
    ended.abort();
  }
}

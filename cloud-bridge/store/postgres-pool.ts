import type { PostgresPool, PostgresPoolClient } from "kysely";
import type { Client, Pool, PoolClient } from "pg";

const NAMED_STATEMENTS = 300;
const names = new Map<string, string>();

/** The server plans a named statement once a connection; texts beyond the first few hundred are rare ones. */
function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= NAMED_STATEMENTS) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

/** PostgreSQL's text knows no NUL; the record's own bytes, which are stored beside, keep it. */
function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
}

/** What Kysely sees of a connection: every statement with values is a named one. */
function named(client: Client | PoolClient, release: () => void): PostgresPoolClient {
  const query = (text: string, values: readonly unknown[] = []): Promise<unknown> => {
    if (values.length === 0) return client.query(text);
    const name = nameOf(text);
    return client.query({ text, values: values.map(storable), ...(name === undefined ? {} : { name }) });
  };
  return { query, release } as unknown as PostgresPoolClient;
}

/** Many connections, for whatever needs one. */
export class NamedPool implements PostgresPool {
  readonly #pool: Pool;
  readonly #known = new WeakMap<PoolClient, PostgresPoolClient>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#pool.connect();
    const known = this.#known.get(client) ?? named(client, () => client.release());
    this.#known.set(client, known);
    return known;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** One connection, handed to one after another: what must happen on the very connection that holds a lock. */
export class SingleConnection implements PostgresPool {
  readonly #connection: PostgresPoolClient;
  #freed: () => void = () => {};
  #last: Promise<void> = Promise.resolve();

  constructor(client: Client) {
    this.#connection = named(client, () => this.#freed());
  }

  async connect(): Promise<PostgresPoolClient> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    this.#freed = resolve;
    return this.#connection;
  }

  async end(): Promise<void> {}
}

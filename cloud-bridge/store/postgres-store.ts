import { randomBytes } from "node:crypto";
import { Kysely, PostgresDialect } from "kysely";
import type pg from "pg";
import type { Db, Store } from "./database.ts";
import { BridgeError } from "./errors.ts";
import type { FaultPoints, NegativeControl } from "./fault-points.ts";
import { openInboxDays } from "./inbox-days.ts";
import { clientConfig, type PostgresAddress, useParsersOf } from "./postgres-connection.ts";
import { migratePostgres } from "./postgres-migrate.ts";
import { NamedPool } from "./postgres-pool.ts";
import type { Tables } from "./schema.ts";

/** The oldest that ends a session which says nothing: without that a writer that stands still is never replaced. */
const OLDEST_POSTGRES = 14;
const READER_STATEMENT_MS = 120_000;

export interface OpenPostgres {
  readonly address: PostgresAddress;
  readonly nowMs: number;
  readonly negativeControl?: NegativeControl;
  readonly faultPoints?: FaultPoints;
}

/** The driver, loaded only where PostgreSQL is the store. */
export async function loadPostgres(): Promise<typeof pg> {
  const { default: driver } = await import("pg");
  useParsersOf(driver.types as unknown as { getTypeParser: (oid: number, format?: string) => unknown });
  return driver;
}

/**
 * Opens the database that the processes of one bridge, and its command line, share; makes its tables where there are none.
 * @throws BridgeError STORE_UNREADABLE, STORE_NOT_DURABLE, STORE_NEWER
 */
export async function openPostgresStore(options: OpenPostgres): Promise<Store> {
  const { address, nowMs, negativeControl, faultPoints } = options;
  const driver = await loadPostgres();
  const first = new driver.Client(clientConfig(address, "shao setup", { statement_timeout: 0 }));
  // Without a listener a connection that breaks would end the process.
  first.on("error", () => {});
  try {
    await first.connect();
    await assertDurable(first);
    await migratePostgres(first, nowMs, faultPoints);
    if (negativeControl === "no-unique-key") {
      await first.query(
        "DROP INDEX IF EXISTS once_alarm; DROP INDEX IF EXISTS once_follow_up; DROP INDEX IF EXISTS once_case_alarm;",
      );
    }
    await first.query("INSERT INTO meta (key, value) VALUES ('bridge', $1) ON CONFLICT DO NOTHING", [
      randomBytes(16).toString("base64url"),
    ]);
    const { rows } = await first.query("SELECT value FROM meta WHERE key = 'bridge'");
    const bridge = String(rows[0].value);
    const settings: Record<string, string> =
      negativeControl === "synchronous-normal" ? { synchronous_commit: "off" } : {};
    const pool = new driver.Pool({ ...clientConfig(address, "shao", settings), max: address.maxConnections });
    pool.on("error", () => {});
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new NamedPool(pool) }) });
    await openInboxDays(db, nowMs);
    return { db, bridge, close: () => db.destroy() };
  } catch (error) {
    throw error instanceof BridgeError ? error : unreachable(address, error);
  } finally {
    await first.end().catch(() => {});
  }
}

/** A connection that only reads, for questions that take longer than others may. */
export async function openPostgresReader(address: PostgresAddress): Promise<Db> {
  const driver = await loadPostgres();
  const settings = { default_transaction_read_only: "on", statement_timeout: READER_STATEMENT_MS };
  const pool = new driver.Pool({ ...clientConfig(address, "shao figures", settings), max: 1 });
  pool.on("error", () => {});
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new NamedPool(pool) }) });
}

function unreachable({ host, port, database, user }: PostgresAddress, cause: unknown): BridgeError {
  const said = cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  return new BridgeError(
    "STORE_UNREADABLE",
    `cannot open database ${database} of ${user} at ${host}:${port}: ${said}`,
    {
      status: 500,
      hint: "See that PostgreSQL runs and lets this user in: `psql` with the same host, port, user and database must work.",
      cause,
    },
  );
}

async function assertDurable(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    "SELECT name, setting FROM pg_settings WHERE name IN ('server_version_num', 'fsync', 'full_page_writes', 'synchronous_commit')",
  );
  const settings = new Map(rows.map(({ name, setting }) => [String(name), String(setting)]));
  const major = Math.floor(Number(settings.get("server_version_num")) / 10_000);
  const off = ["fsync", "full_page_writes", "synchronous_commit"].filter((name) => settings.get(name) === "off");
  if (major >= OLDEST_POSTGRES && off.length === 0) return;
  const what = off.length === 0 ? "" : ` with ${off.join(" and ")} off`;
  throw new BridgeError("STORE_NOT_DURABLE", `PostgreSQL ${major} runs${what}`, {
    status: 500,
    hint: `Needed are PostgreSQL ${OLDEST_POSTGRES} or newer, with fsync and full_page_writes on.`,
  });
}

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { Kysely } from "kysely";
import { isPostgres } from "./dialect.ts";
import { BridgeError } from "./errors.ts";
import type { FaultPoints, NegativeControl } from "./fault-points.ts";
import type { Db, Trx } from "./handle.ts";
import { migrate } from "./migrate.ts";
import { prepared } from "./prepared.ts";
import type { Tables } from "./schema.ts";
import { ImmediateSqliteDialect } from "./sqlite-dialect.ts";

export type { Db, Trx };

export interface Store {
  readonly db: Db;
  /** Id of this database for life; nodes count receipts of the one that they are paired with. */
  readonly bridge: string;
  close(): Promise<void>;
}

export interface OpenStore {
  /** Folder of `bridge.sqlite` and `writer.lock`; made when missing. */
  readonly state: string;
  readonly nowMs: number;
  /** Breaks a promise, so that the suites can be seen to go red. */
  readonly negativeControl?: NegativeControl;
  readonly faultPoints?: FaultPoints;
}

/** The oldest SQLite without the WAL-reset fault. */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** Opens (or makes) the database that the bridge and its command line share. */
export function openStore({ state, nowMs, negativeControl, faultPoints }: OpenStore): Store {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const file = openFile(join(state, "bridge.sqlite"));
  try {
    file.pragma("journal_mode = WAL");
    file.pragma("synchronous = FULL");
    file.pragma("foreign_keys = ON");
    file.pragma("cache_size = -32000");
    assertDurable(file);
    if (negativeControl === "synchronous-normal") file.pragma("synchronous = NORMAL");
    migrate(file, nowMs, faultPoints);
    if (negativeControl === "no-unique-key") {
      file.exec(
        "DROP INDEX IF EXISTS once_alarm; DROP INDEX IF EXISTS once_follow_up; DROP INDEX IF EXISTS once_case_alarm;",
      );
    }
    const insert = file.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('bridge', ?)");
    insert.run(randomBytes(16).toString("base64url"));
    const bridge = String(file.prepare("SELECT value FROM meta WHERE key = 'bridge'").pluck().get());
    const db = new Kysely<Tables>({ dialect: new ImmediateSqliteDialect(file) });
    return { db, bridge, close: () => db.destroy() };
  } catch (error) {
    file.close();
    throw error instanceof BridgeError ? error : unreadable(state, error);
  }
}

/** A second connection that only reads, for questions that take long; the database must be there. */
export function openReader(state: string): Db {
  const file = openFile(join(state, "bridge.sqlite"), { readonly: true });
  file.pragma("cache_size = -32000");
  return new Kysely<Tables>({ dialect: new ImmediateSqliteDialect(file) });
}

export interface Election {
  /** Drawn anew here; read in each committing transaction, so that an older writer's receipts do not count. */
  readonly epoch: string;
  resign(): void;
}

/**
 * Makes this process the elected writer, for as long as it lives: an exclusive lock on `writer.lock` that the system
 * drops with the process.
 * @throws BridgeError BRIDGE_ALREADY_RUNNING
 */
export async function electWriter(state: string, store: Store): Promise<Election> {
  const lock = openFile(join(state, "writer.lock"), { timeout: 200 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new BridgeError("BRIDGE_ALREADY_RUNNING", `another bridge writes to ${state}`, {
      status: 503,
      hint: "Stop the other bridge first, or give this one a state folder of its own.",
      cause,
    });
  }
  const epoch = randomBytes(16).toString("base64url");
  await store.db
    .insertInto("meta")
    .values({ key: "epoch", value: epoch })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value: epoch }))
    .execute();
  return { epoch, resign: () => lock.close() };
}

/** The epoch as it stands in the transaction that commits. */
export async function currentEpoch(trx: Trx): Promise<string> {
  const [row] = (await epochOf(trx, {})).rows;
  return row?.value ?? "";
}

/** Where others may be elected meanwhile, the next election waits for this commit. */
const epochOf = prepared((db) => {
  const row = db.selectFrom("meta").select("value").where("key", "=", "epoch");
  return isPostgres(db) ? row.forShare() : row;
});

function openFile(path: string, options: Sqlite.Options = {}): Sqlite.Database {
  try {
    return new Sqlite(path, { timeout: 5000, ...options });
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): BridgeError {
  return new BridgeError("STORE_UNREADABLE", `cannot open ${path}: ${cause instanceof Error ? cause.message : cause}`, {
    status: 500,
    hint: "The state folder must lie on a local disk and belong to the user that runs the bridge; if its file is broken, restore a backup.",
    cause,
  });
}

function assertDurable(file: Sqlite.Database): void {
  const version = String(file.prepare("SELECT sqlite_version()").pluck().get());
  const parts = version.split(".").map(Number);
  const differing = OLDEST_SQLITE.findIndex((part, index) => part !== parts[index]);
  const isOld = differing >= 0 && (parts[differing] ?? 0) < (OLDEST_SQLITE[differing] ?? 0);
  const synchronous = file.pragma("synchronous", { simple: true });
  const journalMode = file.pragma("journal_mode", { simple: true });
  if (isOld || synchronous !== 2 || journalMode !== "wal") {
    throw new BridgeError(
      "STORE_NOT_DURABLE",
      `SQLite ${version} runs with synchronous ${String(synchronous)} and journal mode ${String(journalMode)}`,
      {
        status: 500,
        hint: "Needed are 3.51.3 or newer, synchronous FULL and WAL: put the state folder on a local disk.",
      },
    );
  }
}

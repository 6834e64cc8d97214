import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type GatewayFaultPoints, NO_FAULT_POINTS } from "../contracts/fault-points.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import { arrangeLevels, LEVEL_TABLE } from "./level-order.ts";

export type SqliteDatabase = Database.Database;

export const JOURNAL_FILE = "journal.sqlite";
export const PAGE_BYTES = 4096;
const BROKEN_MARK = "journal.broken";

/** Older ones can lose a commit when a checkpoint and a WAL reset race. */
const MINIMUM_SQLITE = [3, 51, 3] as const;
const SYNCHRONOUS_FULL = 2;

const SCHEMA_VERSION = 1;
const SCHEMA = `
CREATE TABLE run (
  no INTEGER PRIMARY KEY,
  run TEXT NOT NULL UNIQUE,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  clean INTEGER NOT NULL DEFAULT 0,
  head INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE record (
  run_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  kind TEXT NOT NULL,
  up_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (run_no, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_lane ON record (run_no, lane, seq);
CREATE TABLE receipted (
  run_no INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  PRIMARY KEY (run_no, from_seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm (
  alarm_id TEXT PRIMARY KEY,
  device TEXT NOT NULL,
  subject TEXT NOT NULL,
  is_open INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
${LEVEL_TABLE}`;

/** Opened, durable and of our schema; or what went wrong as a GatewayError. */
export function openDatabase(
  directory: string,
  quotaPages: number,
  faultPoints: GatewayFaultPoints = NO_FAULT_POINTS,
): SqliteDatabase {
  const db = new Database(join(directory, JOURNAL_FILE), { timeout: 1000 });
  try {
    assertSqliteVersion(db);
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("wal_autocheckpoint = 0");
    db.pragma(`max_page_count = ${quotaPages}`);
    const synchronous = db.pragma("synchronous", { simple: true });
    const mode = db.pragma("journal_mode", { simple: true });
    if (synchronous !== SYNCHRONOUS_FULL || mode !== "wal") {
      throw new GatewayError(
        "JOURNAL_BROKEN",
        `journal runs with ${String(mode)}, synchronous ${String(synchronous)}`,
        {
          hint: "The file system does not support a durable SQLite log. Put `state` on a local disk.",
        },
      );
    }
    const version = db.pragma("user_version", { simple: true });
    if (version === 0) {
      db.transaction(() => {
        db.exec(SCHEMA);
        faultPoints.reach("gateway-mid-migration");
        db.pragma(`user_version = ${SCHEMA_VERSION}`);
      }).immediate();
    } else if (version !== SCHEMA_VERSION) {
      throw new GatewayError("JOURNAL_VERSION", `journal has version ${String(version)}, this is ${SCHEMA_VERSION}`, {
        hint: "It was written by a newer Shao. Install that version again, or give this one an empty `state`.",
      });
    }
    arrangeLevels(db);
    // A page that is rotten shows here at the latest, not at the first alarm.
    db.prepare("SELECT count(*) FROM run").get();
    db.prepare("SELECT 1 FROM record LIMIT 1").get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A page that rots deep in the file is met long after the start; the next start must not take that file again. */
export function markBroken(directory: string): void {
  try {
    writeFileSync(join(directory, BROKEN_MARK), "");
  } catch {
    // A disk that takes not even this is found out again.
  }
}

export function isMarkedBroken(directory: string): boolean {
  return existsSync(join(directory, BROKEN_MARK));
}

/** Moves a broken journal out of the way under a name that says so; it is never deleted. */
export function setAside(directory: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-");
  let name = `${JOURNAL_FILE}.broken-${stamp}`;
  for (let n = 2; existsSync(join(directory, name)); n += 1) name = `${JOURNAL_FILE}.broken-${stamp}-${n}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    const path = join(directory, `${JOURNAL_FILE}${suffix}`);
    if (existsSync(path)) renameSync(path, join(directory, `${name}${suffix}`));
  }
  rmSync(join(directory, BROKEN_MARK), { force: true });
  return name;
}

export function makeStateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new GatewayError("JOURNAL_READ_ONLY", `cannot make the state directory ${directory}`, {
      hint: "Give `state` a directory on a disk that can be written.",
      cause: error,
    });
  }
}

function assertSqliteVersion(db: SqliteDatabase): void {
  const text = String(db.prepare("SELECT sqlite_version()").pluck().get());
  const parts = text.split(".").map(Number);
  for (const [at, least] of MINIMUM_SQLITE.entries()) {
    const part = parts[at] ?? 0;
    if (part > least) return;
    if (part < least) {
      throw new GatewayError("JOURNAL_SQLITE_OLD", `SQLite ${text} is older than ${MINIMUM_SQLITE.join(".")}`, {
        hint: "Run scripts/setup again: the better-sqlite3 that comes with Shao carries a newer SQLite.",
      });
    }
  }
}

import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type GatewayFaultPoints, NO_FAULT_POINTS } from "../contracts/fault-points.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import type { JournalRestore } from "../contracts/journal.ts";
import { arrangeLevels } from "./level-order.ts";
import { migrate, noteVersion } from "./migrate.ts";
import { addRowChecks } from "./row-check.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./sqlite.ts";
import { walFault } from "./wal-check.ts";

export const JOURNAL_FILE = "journal.sqlite";
const BROKEN_MARK = "journal.broken";
/** Names the file that was set aside, until what can be read of it is taken over. */
const SALVAGE_MARK = "journal.salvage";

/** Older ones can lose a commit when a checkpoint and a WAL reset race. */
const MINIMUM_SQLITE = [3, 51, 3] as const;
const SYNCHRONOUS_FULL = 2;
/** Of a log, at a start: a checkpoint keeps it far below this. */
const MOST_CHECKED_BYTES = 32 * 1024 * 1024;

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
    migrate(db, faultPoints);
    arrangeLevels(db);
    addRowChecks(db);
    noteVersion(db);
    db.pragma(`max_page_count = ${quotaPages}`);
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

/**
 * Moves a broken journal out of the way under a name that says so; it is never deleted. Until `salvageOver` it is owed that a
 * new journal takes over what can be read of it, whatever ends this process in between.
 */
export function setAside(directory: string, nowMs: number): string {
  const stamp = stampOf(nowMs);
  let name = `${JOURNAL_FILE}.broken-${stamp}`;
  for (let n = 2; existsSync(join(directory, name)); n += 1) name = `${JOURNAL_FILE}.broken-${stamp}-${n}`;
  noteOwed(directory, name);
  move(directory, name);
  return name;
}

/** @returns the file that was set aside and of which nothing was taken over yet, all parts of it under that name */
export function owedSalvage(directory: string): string | undefined {
  const mark = join(directory, SALVAGE_MARK);
  const name = existsSync(mark) ? readFileSync(mark, "utf8") : "";
  if (!new RegExp(`^${JOURNAL_FILE}\\.broken-[0-9TZ-]+$`).test(name)) return undefined;
  // Not gone yet, then it is found broken again; or somebody took it away.
  if (!existsSync(join(directory, name))) return undefined;
  // The journal goes first, and a new one comes after all parts have gone: without one, the rest has not gone yet.
  if (!existsSync(join(directory, JOURNAL_FILE))) move(directory, name);
  return name;
}

export function salvageOver(directory: string): void {
  rmSync(join(directory, SALVAGE_MARK), { force: true });
}

function move(directory: string, name: string): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    const path = join(directory, `${JOURNAL_FILE}${suffix}`);
    if (existsSync(path)) renameSync(path, join(directory, `${name}${suffix}`));
  }
  rmSync(join(directory, BROKEN_MARK), { force: true });
}

function noteOwed(directory: string, name: string): void {
  try {
    writeFileSync(join(directory, SALVAGE_MARK), name, { flush: true });
  } catch {
    // A disk that takes not even this mostly takes no new name either.
  }
}

/**
 * Before anybody opens the journal: is its log damaged in a way that SQLite passes over in silence? It is kept under another
 * name then, since opening the journal ends it.
 */
export function lookAtLog(directory: string, nowMs: number): JournalRestore["logFault"] {
  const log = join(directory, `${JOURNAL_FILE}-wal`);
  try {
    if (!existsSync(log)) return undefined;
    const message = walFault(firstBytes(log, MOST_CHECKED_BYTES));
    if (message === undefined) return undefined;
    const file = `${JOURNAL_FILE}-wal.damaged-${stampOf(nowMs)}`;
    return { message, file: isCopied(log, join(directory, file)) ? file : undefined };
  } catch {
    // A disk that gives nothing is found out by who opens the journal.
    return undefined;
  }
}

function firstBytes(path: string, most: number): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(Math.min(fstatSync(file).size, most));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

/** A disk without room for it keeps no copy. */
function isCopied(from: string, to: string): boolean {
  try {
    copyFileSync(from, to);
    return true;
  } catch {
    rmSync(to, { force: true });
    return false;
  }
}

function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-");
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

import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { JournalRestore } from "../contracts/journal.ts";
import { mendedCopy, removeCopy } from "./mended-copy.ts";
import { RecordRows } from "./record-rows.ts";
import { RunTable } from "./run-table.ts";
import { SHELF, type Shelf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { crcOf, recordOf, shelfOfBytes } from "./stored-record.ts";
import { StoryRows, storyOf } from "./story-rows.ts";
import { Tally } from "./tally.ts";

/** A start must not take long because a card failed; what is left stays in the file. */
const MOST_ROWS = 20_000;

type Row = Readonly<Record<string, unknown>>;

/**
 * Takes over from a file that was set aside what a node may not forget: its runs with their receipts, so that each of their
 * seqs is sent or declared; every row of lane 0 whose bytes are whole, under the run and seq that it has; open and recent
 * alarms; settings. Table by table and from either end, so that a damaged page hides no other. Nothing is changed there, and
 * nothing is taken that does not prove to be what was written.
 */
export function salvage(db: SqliteDatabase, directory: string, file: string): JournalRestore["salvaged"] | undefined {
  const path = join(directory, file);
  if (!existsSync(path)) return undefined;
  const found = salvageFrom(db, path);
  if (found !== undefined) return found;
  const copy = mendedCopy(path);
  if (copy === undefined) return undefined;
  try {
    return salvageFrom(db, copy);
  } finally {
    removeCopy(copy);
  }
}

function salvageFrom(db: SqliteDatabase, path: string): JournalRestore["salvaged"] | undefined {
  let old: SqliteDatabase;
  try {
    old = new Database(path, { readonly: true, timeout: 1000 });
  } catch {
    return undefined;
  }
  try {
    return db.transaction(() => takeOver(db, old)).immediate();
  } catch {
    // What made it fail may be the new file's disk: an empty journal is worth more than none.
    return undefined;
  } finally {
    old.close();
  }
}

function takeOver(db: SqliteDatabase, old: SqliteDatabase): JournalRestore["salvaged"] | undefined {
  let isWhole = true;
  const noteDamage = () => {
    isWhole = false;
  };
  const read = (sql: string, key = ""): Row[] => {
    const up = walk(old, key === "" ? sql : `${sql} ORDER BY ${key}`);
    if (up.isWhole) return up.rows;
    noteDamage();
    return key === "" ? up.rows : [...up.rows, ...walk(old, `${sql} ORDER BY ${key} DESC`).rows];
  };
  const heads = new Map<unknown, number>();
  const runs = read("SELECT no, run, started_at_ms, ended_at_ms, clean, head FROM run ORDER BY no");
  if (runs.length === 0) return undefined;
  const put = (sql: string, rows: readonly Row[]) => {
    const statement = db.prepare(sql);
    for (const row of rows) statement.run(row);
  };
  put(
    `INSERT OR IGNORE INTO run (no, run, started_at_ms, ended_at_ms, clean, head)
     VALUES (@no, @run, @started_at_ms, @ended_at_ms, @clean, coalesce(@head, 0))`,
    runs,
  );
  put("INSERT OR IGNORE INTO receipted VALUES (@run_no, @from_seq, @to_seq)", read("SELECT * FROM receipted"));
  put(
    `INSERT OR IGNORE INTO alarm (alarm_id, device, subject, is_open, changed_at_ms, body, crc)
     VALUES (@alarm_id, @device, @subject, @is_open, @changed_at_ms, @body, @crc)`,
    read("SELECT * FROM alarm", "alarm_id").map(withCheck),
  );
  put("INSERT OR IGNORE INTO setting VALUES (@key, @value)", read("SELECT key, value FROM setting"));
  put(
    `INSERT OR IGNORE INTO level (device, at_ms, level_db, quantity, flags, crc)
     VALUES (@device, @at_ms, @level_db, @quantity, @flags, @crc)`,
    read("SELECT * FROM level").map(withCheck),
  );

  const table = new RunTable(db);
  const tally = new Tally(db);
  const rows = new RecordRows(db, table, tally, new StoryRows(db));
  let records = 0;
  for (const row of urgentRows(old, read, noteDamage)) {
    const state = table.byNo(Number(row["run_no"]));
    const { seq, kind, up_ms, at_ms, crc, bytes } = row;
    if (state === undefined || !(bytes instanceof Uint8Array)) continue;
    heads.set(state.no, Math.max(heads.get(state.no) ?? 0, Number(seq)));
    const record = recordOf(bytes);
    if (record === undefined || record.seq !== seq || record.kind !== kind) isWhole = false;
    else if (typeof crc === "number" && crcOf(bytes) !== crc) isWhole = false;
    else if (records >= MOST_ROWS) isWhole = false;
    else {
      const shelf: Shelf = shelfOfBytes(String(kind), 0, record);
      const story = storyOf(record);
      rows.insert(state, {
        seq: record.seq,
        shelf,
        kind: record.kind,
        upMs: Number(up_ms),
        atMs: Number(at_ms),
        bytes,
        story,
      });
      records += 1;
    }
  }
  tally.write();
  // The run that broke has no head of its own: its rows and receipts say how far it came at least.
  const raise = db.prepare(
    `UPDATE run SET head = max(head, ?, (SELECT coalesce(max(to_seq), 0) FROM receipted WHERE run_no = no)) WHERE no = ?`,
  );
  for (const { no } of runs) raise.run(Math.max(heads.get(no) ?? 0, highestSeq(old, no)), no);
  db.prepare(
    "UPDATE run SET deleted = max(0, head - (SELECT coalesce(sum(rows), 0) FROM tally WHERE run_no = run.no))",
  ).run();
  return { runs: runs.length, records, isWhole };
}

/** What the row's check tells is seen when it is taken up again; an earlier program's rows have none. */
function withCheck(row: Row): Row {
  return { crc: null, ...row };
}

/** As far as it comes. */
function walk(db: SqliteDatabase, sql: string): { readonly rows: Row[]; readonly isWhole: boolean } {
  const rows: Row[] = [];
  try {
    for (const row of db.prepare(sql).iterate() as Iterable<Row>) rows.push(row);
    return { rows, isWhole: true };
  } catch {
    return { rows, isWhole: false };
  }
}

/** Of every table that holds rows: one of version 1 has lanes instead of shelves, and no check of its rows. */
function urgentRows(old: SqliteDatabase, read: (sql: string) => Row[], noteDamage: () => void): Row[] {
  const tables = read(
    "SELECT name, sql LIKE '%shelf%' AS shelved FROM sqlite_master WHERE name IN ('record', 'record_v1')",
  );
  const runs = read("SELECT no FROM run ORDER BY no DESC");
  return runs.flatMap(({ no }) =>
    tables.flatMap(({ name, shelved }) => {
      const from = `FROM ${String(name)} WHERE run_no = ${Number(no)}`;
      const columns = `run_no, seq, kind, up_ms, at_ms, ${shelved === 1 ? "crc" : "NULL AS crc"}, bytes`;
      const places = shelved === 1 ? [SHELF.alarm, SHELF.urgent].map((shelf) => `shelf = ${shelf}`) : ["lane = 0"];
      return places.flatMap((place) => {
        const select = `SELECT ${columns} ${from} AND ${place}`;
        const up = walk(old, `${select} ORDER BY seq`);
        if (up.isWhole) return up.rows;
        noteDamage();
        return throughDamage(old, select, up.rows, highestSeq(old, no));
      });
    }),
  );
}

/** Rows by their seq: from either end up to a page that cannot be read, and one by one in between. */
function throughDamage(old: SqliteDatabase, select: string, up: readonly Row[], head: number): readonly Row[] {
  const down = walk(old, `${select} ORDER BY seq DESC`).rows;
  const below = Number(up.at(-1)?.["seq"] ?? 0);
  const above = Number(down.at(-1)?.["seq"] ?? head + 1);
  const between: Row[] = [];
  for (let seq = below + 1; seq < Math.min(above, below + MOST_ROWS); seq += 1) {
    // SQLite comes to a row of an inner page by way of the leaf on its left, or on its right where it goes downwards.
    const left = walk(old, `${select} AND seq = ${seq}`);
    const { rows } = left.isWhole ? left : walk(old, `${select} AND seq <= ${seq} ORDER BY seq DESC LIMIT 1`);
    between.push(...rows.filter((row) => row["seq"] === seq));
  }
  return [...up, ...between, ...down.reverse()];
}

/** The newest seq of a run that can still be found, on whichever shelf. */
function highestSeq(old: SqliteDatabase, no: unknown): number {
  let highest = 0;
  for (const shelf of Object.values(SHELF)) {
    try {
      const seq: unknown = old
        .prepare("SELECT max(seq) FROM record WHERE run_no = ? AND shelf = ?")
        .pluck()
        .get(no, shelf);
      highest = Math.max(highest, Number(seq ?? 0));
    } catch {
      // Another shelf may be whole.
    }
  }
  return highest;
}

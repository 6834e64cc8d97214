import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { countOf } from "../../protocol/ranges.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import { JOURNAL_FILE } from "./database.ts";
import { journalError } from "./disk-fault.ts";
import { RunTable, unreceipted } from "./run-table.ts";
import { laneOfShelf, SHELVES } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";

/** A journal opened for looking only, while a gateway may write it. */
export interface OpenedJournal extends Disposable {
  readonly file: string;
  readonly db: SqliteDatabase;
  readonly runs: RunTable;
}

/**
 * @param path the file, or the state folder that holds it
 * @throws GatewayError JOURNAL_NOT_FOUND, JOURNAL_BROKEN
 */
export function openForReading(path: string): OpenedJournal {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? join(path, JOURNAL_FILE) : path;
  if (!existsSync(file)) {
    throw new GatewayError("JOURNAL_NOT_FOUND", `there is no journal at ${file}`, {
      hint: "Give the `state` folder of a gateway's config, or a journal file.",
    });
  }
  try {
    const db = new Database(file, { readonly: true, timeout: 5000 });
    return { file, db, runs: new RunTable(db), [Symbol.dispose]: () => void db.close() };
  } catch (error) {
    throw journalError(error);
  }
}

/** What is in a journal, by run, newest first. */
export function* runFacts({ db, runs }: OpenedJournal) {
  const times = db.prepare("SELECT min(at_ms) AS first, max(at_ms) AS last FROM record WHERE run_no = ?");
  for (const state of [...runs.all()].reverse()) {
    const { first, last } = times.get(state.no) as { first: number | null; last: number | null };
    yield {
      run: state.run,
      startedAtMs: state.startedAtMs,
      endedAtMs: state.endedAtMs ?? null,
      isClean: state.isClean,
      head: state.head,
      held: state.head - state.deleted,
      unreceipted: countOf(unreceipted(state)),
      firstAtMs: first,
      lastAtMs: last,
    };
  }
}

/** The whole journal in a line. */
export function journalFacts(opened: OpenedJournal) {
  const { file, db, runs } = opened;
  const kinds = db.prepare("SELECT kind, count(*) AS n FROM record GROUP BY kind ORDER BY kind").all() as {
    kind: string;
    n: number;
  }[];
  const open = db.prepare("SELECT count(*) FROM alarm WHERE is_open = 1").pluck().get();
  let unsent = 0;
  let count = 0;
  for (const state of runs.all()) {
    count += 1;
    // What was given up is declared, and waits for nothing.
    unsent += countOf(unreceipted(state));
  }
  const setting = (key: string) => db.prepare("SELECT value FROM setting WHERE key = ?").pluck().get(key) ?? null;
  return {
    file,
    sizeBytes: Number(db.pragma("page_count", { simple: true })) * Number(db.pragma("page_size", { simple: true })),
    freeBytes: Number(db.pragma("freelist_count", { simple: true })) * Number(db.pragma("page_size", { simple: true })),
    runs: count,
    records: kinds.reduce((sum, { n }) => sum + n, 0),
    unreceipted: unsent,
    byKind: Object.fromEntries(kinds.map(({ kind, n }) => [kind, n])),
    openAlarms: open,
    alarmStoreFull: setting("alarms.full") === "yes",
    bridge: setting("custody.bridge"),
    epoch: setting("custody.epoch"),
  };
}

export interface StoredRow {
  readonly run: string;
  readonly runNo: number;
  readonly seq: number;
  readonly lane: number;
  readonly kind: string;
  readonly atMs: number;
  /** Absent in a journal of version 1. */
  readonly crc: number | null;
  readonly bytes: Uint8Array;
}

export interface RowFilter {
  readonly run?: string;
  readonly kind?: string;
  readonly lane?: number;
  readonly fromSeq?: number;
  readonly toSeq?: number;
  readonly sinceMs?: number;
}

/** A stretch of a run that cannot be read, between rows that can. */
export interface Unreadable {
  readonly run: string;
  readonly table: string;
  readonly afterSeq: number;
  readonly beforeSeq: number | undefined;
  readonly reason: string;
}

/**
 * Every row that the filter lets through, oldest run first. Of a damaged file as much as can be read: from both ends of each
 * shelf towards the damage.
 */
export function* storedRows(
  { db, runs }: OpenedJournal,
  filter: RowFilter = {},
  onUnreadable: (hole: Unreadable) => void = () => {},
): Generator<StoredRow> {
  for (const state of runs.all()) {
    if (filter.run !== undefined && !state.run.startsWith(filter.run)) continue;
    const shelves = [...partsOf(db, state.no)].map((part) =>
      ofPart(part, bothEnds(db, state.run, part, filter, onUnreadable)),
    );
    for (const { lane, row } of bySeq(shelves)) {
      if (filter.lane !== undefined && filter.lane !== lane) continue;
      const { seq, kind, at_ms, crc, bytes } = row;
      yield { run: state.run, runNo: state.no, seq, lane, kind, atMs: at_ms, crc, bytes };
    }
  }
}

interface LaneRow {
  readonly lane: number;
  readonly row: Row;
}

function* ofPart({ isShelved }: Part, rows: Iterable<Row>): Generator<LaneRow> {
  for (const row of rows) yield { lane: isShelved ? laneOfShelf(row.place) : row.place, row };
}

/** Several walks by seq as one. */
function* bySeq(walks: readonly Iterator<LaneRow>[]): Generator<LaneRow> {
  const heads = walks.map((walk) => ({ walk, next: walk.next() }));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done === true) continue;
      if (first === undefined || first.next.done === true || head.next.value.row.seq < first.next.value.row.seq)
        first = head;
    }
    if (first === undefined || first.next.done === true) return;
    yield first.next.value;
    first.next = first.walk.next();
  }
}

interface Part {
  readonly table: string;
  readonly isShelved: boolean;
  readonly where: string;
}

interface Row {
  readonly seq: number;
  readonly place: number;
  readonly kind: string;
  readonly at_ms: number;
  readonly crc: number | null;
  readonly bytes: Uint8Array;
}

/** The shelves of a run; a journal of version 1, and one half brought up, has a table without shelves. */
function* partsOf(db: SqliteDatabase, runNo: number): Generator<Part> {
  const tables = db
    .prepare("SELECT name, sql LIKE '%shelf%' AS shelved FROM sqlite_master WHERE name IN ('record', 'record_v1')")
    .all() as { name: string; shelved: number }[];
  for (const { name, shelved } of tables) {
    if (shelved === 0) yield { table: name, isShelved: false, where: `run_no = ${runNo}` };
    else
      for (const shelf of SHELVES)
        yield { table: name, isShelved: true, where: `run_no = ${runNo} AND shelf = ${shelf}` };
  }
}

function* bothEnds(
  db: SqliteDatabase,
  run: string,
  { table, isShelved, where }: Part,
  filter: RowFilter,
  onUnreadable: (hole: Unreadable) => void,
): Generator<Row> {
  const columns = isShelved ? "seq, shelf AS place, kind, at_ms, crc" : "seq, lane AS place, kind, at_ms, NULL AS crc";
  const kind = filter.kind === undefined ? "" : "AND kind = @kind";
  const since = filter.sinceMs === undefined ? "" : "AND at_ms >= @sinceMs";
  const walk = (order: "ASC" | "DESC") =>
    db.prepare(
      `SELECT ${columns}, bytes FROM ${table} WHERE ${where} AND seq BETWEEN @from AND @to ${kind} ${since} ORDER BY seq ${order}`,
    );
  const range = { from: filter.fromSeq ?? 1, to: filter.toSeq ?? Number.MAX_SAFE_INTEGER };
  const named = {
    ...(filter.kind === undefined ? {} : { kind: filter.kind }),
    ...(filter.sinceMs === undefined ? {} : { sinceMs: filter.sinceMs }),
  };
  let last = range.from - 1;
  try {
    for (const row of walk("ASC").iterate({ ...range, ...named }) as Iterable<Row>) {
      yield row;
      last = row.seq;
    }
    return;
  } catch (error) {
    const behind: Row[] = [];
    try {
      const rest = walk("DESC").iterate({ ...range, ...named, from: last + 1 }) as Iterable<Row>;
      for (const row of rest) behind.push(row);
    } catch {
      // The other side of the damage.
    }
    const reason = error instanceof Error ? error.message : String(error);
    onUnreadable({ run, table, afterSeq: last, beforeSeq: behind.at(-1)?.seq, reason });
    yield* behind.reverse();
  }
}

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { countOf } from "../../protocol/ranges.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import { JOURNAL_FILE } from "./database.ts";
import { journalError } from "./disk-fault.ts";
import { RunTable, unreceipted } from "./run-table.ts";
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
    runs: count,
    records: kinds.reduce((sum, { n }) => sum + n, 0),
    unreceipted: unsent,
    byKind: Object.fromEntries(kinds.map(({ kind, n }) => [kind, n])),
    openAlarms: open,
    bridge: setting("custody.bridge"),
    epoch: setting("custody.epoch"),
  };
}

export interface StoredRow {
  readonly run: string;
  readonly seq: number;
  readonly lane: number;
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** Every row, oldest run first, by seq. */
export function* storedRows({ db, runs }: OpenedJournal): Generator<StoredRow> {
  const rows = db.prepare("SELECT seq, kind, bytes FROM record WHERE run_no = ? ORDER BY seq");
  for (const { no, run } of runs.all()) {
    for (const row of rows.iterate(no) as Iterable<Omit<StoredRow, "run">>) yield { run, ...row };
  }
}

/** Faults of the file and of its rows, in words; none where all is well. */
export function* journalFaults(opened: OpenedJournal): Generator<{ readonly code: string; readonly message: string }> {
  for (const line of opened.db.pragma("integrity_check") as { integrity_check: string }[]) {
    if (line.integrity_check !== "ok") yield { code: "JOURNAL_BROKEN", message: line.integrity_check };
  }
  const held = new Map<string, number>();
  for (const { run, seq, kind, bytes } of storedRows(opened)) {
    held.set(run, (held.get(run) ?? 0) + 1);
    const record = parsed(bytes);
    if (record?.seq !== seq || record?.kind !== kind) {
      yield { code: "JOURNAL_ROW", message: `run ${run} seq ${seq}: the bytes are not those of this record` };
    }
  }
  for (const { run, head, deleted } of opened.runs.all()) {
    const lost = head - deleted - (held.get(run) ?? 0);
    if (lost !== 0) yield { code: "JOURNAL_ROW", message: `run ${run}: ${lost} rows are missing that nobody deleted` };
  }
}

function parsed(bytes: Uint8Array): { readonly seq?: unknown; readonly kind?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

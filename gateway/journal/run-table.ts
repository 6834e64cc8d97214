import { NO_RANGES, type Ranges, rangesFrom, subtract, union } from "../../protocol/ranges.ts";
import type { SeqRange } from "../../protocol/session.ts";
import { SHELVES } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";

/** What is known in memory of one run; small, because ranges stand for rows. */
export interface RunState {
  readonly no: number;
  readonly run: string;
  readonly startedAtMs: number;
  endedAtMs: number | undefined;
  isClean: boolean;
  head: number;
  deleted: number;
  receipted: Ranges;
  /** `receipted` has grown since it was last written. */
  isDirty: boolean;
}

interface RunRow {
  readonly no: number;
  readonly run: string;
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly clean: number;
  readonly head: number | null;
  readonly deleted: number;
}

/** The runs of a journal, oldest first, with their receipted ranges. */
export class RunTable {
  readonly #db: SqliteDatabase;
  readonly #byRun = new Map<string, RunState>();
  /** Deleted in the transaction that runs now. */
  #gone = new Map<RunState, number>();

  constructor(db: SqliteDatabase) {
    this.#db = db;
    const rows = db.prepare("SELECT * FROM run ORDER BY no").all() as RunRow[];
    const byNo = new Map<number, RunState>();
    for (const row of rows) {
      const state: RunState = {
        no: row.no,
        run: row.run,
        startedAtMs: row.started_at_ms,
        endedAtMs: row.ended_at_ms ?? undefined,
        isClean: row.clean === 1,
        head: row.head ?? headOf(db, row.no),
        deleted: row.deleted,
        receipted: NO_RANGES,
        isDirty: false,
      };
      this.#byRun.set(row.run, state);
      byNo.set(row.no, state);
    }
    const spans = db.prepare("SELECT run_no, from_seq, to_seq FROM receipted ORDER BY run_no, from_seq").all();
    const rangesByNo = new Map<number, SeqRange[]>();
    for (const { run_no, from_seq, to_seq } of spans as { run_no: number; from_seq: number; to_seq: number }[]) {
      const ranges = rangesByNo.get(run_no);
      if (ranges === undefined) rangesByNo.set(run_no, [[from_seq, to_seq]]);
      else ranges.push([from_seq, to_seq]);
    }
    for (const [no, ranges] of rangesByNo) {
      const state = byNo.get(no);
      if (state !== undefined) state.receipted = rangesFrom(ranges);
    }
  }

  /** Oldest first. */
  all(): IterableIterator<RunState> {
    return this.#byRun.values();
  }

  get(run: string): RunState | undefined {
    return this.#byRun.get(run);
  }

  get count(): number {
    return this.#byRun.size;
  }

  byNo(no: number): RunState | undefined {
    for (const state of this.#byRun.values()) if (state.no === no) return state;
    return undefined;
  }

  newest(): RunState | undefined {
    return [...this.#byRun.values()].at(-1);
  }

  /** Ends what a crash left open, and begins a run; call it inside a transaction. */
  begin(run: string, nowMs: number): RunState {
    for (const state of this.#byRun.values())
      this.#db.prepare("UPDATE run SET head = ? WHERE no = ? AND head IS NULL").run(state.head, state.no);
    const { lastInsertRowid } = this.#db.prepare("INSERT INTO run (run, started_at_ms) VALUES (?, ?)").run(run, nowMs);
    const state: RunState = {
      no: Number(lastInsertRowid),
      run,
      startedAtMs: nowMs,
      endedAtMs: undefined,
      isClean: false,
      head: 0,
      deleted: 0,
      receipted: NO_RANGES,
      isDirty: false,
    };
    this.#byRun.set(run, state);
    return state;
  }

  end(state: RunState, nowMs: number): void {
    this.#db
      .prepare("UPDATE run SET ended_at_ms = ?, clean = 1, head = ? WHERE no = ?")
      .run(nowMs, state.head, state.no);
  }

  forget(state: RunState): void {
    this.#db.prepare("DELETE FROM corrupt WHERE run_no = ?").run(state.no);
    this.#db.prepare("DELETE FROM receipted WHERE run_no = ?").run(state.no);
    this.#db.prepare("DELETE FROM run WHERE no = ?").run(state.no);
    this.#byRun.delete(state.run);
  }

  /** Rows of a run were deleted: its head must outlive them. Call it inside the same transaction. */
  noteDeleted(state: RunState, count: number, isCurrent: boolean): void {
    this.#gone.set(state, (this.#gone.get(state) ?? 0) + count);
    this.#db
      .prepare("UPDATE run SET deleted = deleted + ?, head = coalesce(head, ?) WHERE no = ?")
      .run(count, isCurrent ? null : state.head, state.no);
  }

  /** The transaction has committed, or not. */
  settled(isCommitted: boolean): void {
    if (isCommitted) for (const [state, count] of this.#gone) state.deleted += count;
    this.#gone = new Map();
  }

  forgetReceipts(): void {
    for (const state of this.#byRun.values()) {
      if (state.receipted.length === 0) continue;
      state.receipted = NO_RANGES;
      state.isDirty = true;
    }
  }

  get hasDirty(): boolean {
    for (const state of this.#byRun.values()) if (state.isDirty) return true;
    return false;
  }

  /** Writes grown ranges; call it inside a transaction, and `settled` after its commit. */
  writeReceipts(): RunState[] {
    const written: RunState[] = [];
    for (const state of this.#byRun.values()) {
      if (!state.isDirty) continue;
      this.#db.prepare("DELETE FROM receipted WHERE run_no = ?").run(state.no);
      const insert = this.#db.prepare("INSERT INTO receipted (run_no, from_seq, to_seq) VALUES (?, ?, ?)");
      for (const [from, to] of state.receipted) insert.run(state.no, from, to);
      written.push(state);
    }
    return written;
  }

  /** @returns the parts that were not marked before, clipped to what the run has */
  mark(run: string, ranges: readonly SeqRange[]): Ranges {
    const state = this.#byRun.get(run);
    if (state === undefined) return NO_RANGES;
    const clipped = rangesFrom(ranges.map(([from, to]) => [from, Math.min(to, state.head)]));
    const added = subtract(clipped, state.receipted);
    if (added.length > 0) {
      state.receipted = union(state.receipted, added);
      state.isDirty = true;
    }
    return added;
  }
}

/** Seqs that a run ever had without a receipt. */
export function unreceipted(state: RunState): Ranges {
  return state.head === 0 ? NO_RANGES : subtract([[1, state.head]], state.receipted);
}

/** The newest row of a run that nobody ended. Shelf by shelf, since the newest of each is found at once. */
function headOf(db: SqliteDatabase, no: number): number {
  const isOld = db.prepare("SELECT 1 FROM pragma_table_info('record') WHERE name = 'lane'").get() !== undefined;
  if (isOld) return Number(db.prepare("SELECT coalesce(max(seq), 0) FROM record WHERE run_no = ?").pluck().get(no));
  const newest = db.prepare("SELECT coalesce(max(seq), 0) FROM record WHERE run_no = ? AND shelf = ?").pluck();
  return SHELVES.reduce<number>((head, shelf) => Math.max(head, Number(newest.get(no, shelf))), 0);
}

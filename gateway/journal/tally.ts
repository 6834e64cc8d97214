import { contains } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { RunState } from "./run-table.ts";
import { laneOfShelf, type Shelf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";

export interface Count {
  readonly rows: number;
  readonly bytes: number;
  /** Without a receipt. */
  readonly unsentRows: number;
  readonly unsentBytes: number;
}

const NOTHING: Count = { rows: 0, bytes: 0, unsentRows: 0, unsentBytes: 0 };
const SHELF_LIMIT = 100;

/**
 * How much lies on each shelf of each run, written with the rows themselves: no start and no question has to count a backlog.
 * Changes inside a transaction are staged, and count once it has committed.
 */
export class Tally {
  readonly #counts = new Map<number, Count>();
  #staged = new Map<number, Count>();
  /** Changed outside of a transaction (receipts), written with the next one. */
  readonly #dirty = new Set<number>();
  readonly #upsert;
  readonly #forget;

  constructor(db: SqliteDatabase) {
    const rows = db.prepare("SELECT run_no, shelf, rows, bytes, unsent_rows, unsent_bytes FROM tally").raw().all();
    for (const [runNo = 0, shelf = 0, rows_ = 0, bytes = 0, unsentRows = 0, unsentBytes = 0] of rows as number[][]) {
      this.#counts.set(keyOf(runNo, shelf), { rows: rows_, bytes, unsentRows, unsentBytes });
    }
    this.#upsert = db.prepare(
      `INSERT INTO tally (run_no, shelf, rows, bytes, unsent_rows, unsent_bytes) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (run_no, shelf) DO UPDATE SET rows = excluded.rows, bytes = excluded.bytes,
         unsent_rows = excluded.unsent_rows, unsent_bytes = excluded.unsent_bytes`,
    );
    this.#forget = db.prepare("DELETE FROM tally WHERE run_no = ?");
  }

  of(state: RunState, shelf: Shelf): Count {
    return this.#counts.get(keyOf(state.no, shelf)) ?? NOTHING;
  }

  /** Sums over all runs. */
  sum(shelves: readonly Shelf[]): Count {
    const sum = { ...NOTHING };
    for (const [key, count] of this.#counts) if (shelves.includes((key % SHELF_LIMIT) as Shelf)) add(sum, count, 1);
    return sum;
  }

  /** Unsent rows by lane; lane 2 of an earlier run waits in lane 4, as older health does. */
  laneDepth(current: RunState): [number, number, number, number, number] {
    const depth: [number, number, number, number, number] = [0, 0, 0, 0, 0];
    for (const [key, { unsentRows }] of this.#counts) {
      const lane: Lane = laneOfShelf(key % SHELF_LIMIT);
      depth[lane === 2 && Math.floor(key / SHELF_LIMIT) !== current.no ? 4 : lane] += unsentRows;
    }
    return depth;
  }

  /** Call it inside the transaction that inserts (1) or deletes (-1) the row. */
  stage(state: RunState, shelf: number, seq: number, sizeBytes: number, sign: 1 | -1): void {
    const key = keyOf(state.no, shelf);
    const count = { ...(this.#staged.get(key) ?? this.#counts.get(key) ?? NOTHING) };
    const unsent = contains(state.receipted, seq) ? 0 : 1;
    add(count, { rows: 1, bytes: sizeBytes, unsentRows: unsent, unsentBytes: unsent * sizeBytes }, sign);
    this.#staged.set(key, count);
  }

  /** Rows of a shelf have had their receipt; in memory at once, on the disk with the next commit. */
  receipted(state: RunState, shelf: number, rows: number, bytes: number): void {
    const key = keyOf(state.no, shelf);
    const count = { ...(this.#counts.get(key) ?? NOTHING) };
    add(count, { rows: 0, bytes: 0, unsentRows: rows, unsentBytes: bytes }, -1);
    this.#counts.set(key, count);
    this.#dirty.add(key);
  }

  forgetReceipts(): void {
    for (const [key, count] of this.#counts) {
      this.#counts.set(key, { ...count, unsentRows: count.rows, unsentBytes: count.bytes });
      this.#dirty.add(key);
    }
  }

  forgetRun(state: RunState): void {
    this.#forget.run(state.no);
    for (const key of this.#counts.keys()) {
      if (Math.floor(key / SHELF_LIMIT) !== state.no) continue;
      this.#counts.delete(key);
      this.#dirty.delete(key);
    }
  }

  /** Call it inside the transaction, before its commit. */
  write(): void {
    for (const key of new Set([...this.#dirty, ...this.#staged.keys()])) {
      const { rows, bytes, unsentRows, unsentBytes } = this.#staged.get(key) ?? this.#counts.get(key) ?? NOTHING;
      this.#upsert.run(Math.floor(key / SHELF_LIMIT), key % SHELF_LIMIT, rows, bytes, unsentRows, unsentBytes);
    }
  }

  settled(): void {
    for (const [key, count] of this.#staged) this.#counts.set(key, count);
    this.#staged = new Map();
    this.#dirty.clear();
  }

  discard(): void {
    this.#staged = new Map();
  }
}

function keyOf(runNo: number, shelf: number): number {
  return runNo * SHELF_LIMIT + shelf;
}

function add(to: { -readonly [K in keyof Count]: Count[K] }, count: Count, sign: 1 | -1): void {
  to.rows += sign * count.rows;
  to.bytes += sign * count.bytes;
  to.unsentRows += sign * count.unsentRows;
  to.unsentBytes += sign * count.unsentBytes;
}

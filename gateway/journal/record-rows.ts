import { type Ranges, rangesOfSeqs } from "../../protocol/ranges.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { ALARM_SHELVES, SHELVES, type Shelf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { crcOf } from "./stored-record.ts";
import type { Story, StoryRows } from "./story-rows.ts";
import type { Tally } from "./tally.ts";

export interface RowToInsert {
  readonly seq: number;
  readonly shelf: Shelf;
  readonly kind: string;
  readonly upMs: number;
  readonly atMs: number;
  readonly bytes: Uint8Array;
  readonly story: Story | undefined;
}

/** Rows of one shelf of one run that go. */
export interface Deletion {
  readonly state: RunState;
  readonly shelf: Shelf;
  readonly seqs: readonly number[];
}

/** The only hand that puts rows on their shelves and takes them off, with all that is counted about them. */
export class RecordRows {
  readonly #runs: RunTable;
  readonly #tally: Tally;
  readonly #story: StoryRows;
  readonly #insert;
  readonly #remove;
  readonly #measure;

  constructor(db: SqliteDatabase, runs: RunTable, tally: Tally, story: StoryRows) {
    this.#runs = runs;
    this.#tally = tally;
    this.#story = story;
    this.#insert = db.prepare(
      "INSERT INTO record (run_no, shelf, seq, kind, up_ms, at_ms, crc, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#remove = db.prepare(
      "DELETE FROM record WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ? RETURNING seq, length(bytes) AS size",
    );
    this.#measure = db
      .prepare(
        "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM record WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ?",
      )
      .raw();
  }

  /** Call it, as all that changes rows, inside a transaction. */
  insert(state: RunState, row: RowToInsert): void {
    const { seq, shelf, kind, upMs, atMs, bytes, story } = row;
    this.#insert.run(state.no, shelf, seq, kind, upMs, atMs, crcOf(bytes), bytes);
    this.#tally.stage(state, shelf, seq, bytes.length, 1);
    if (story !== undefined) this.#story.insert(state, seq, shelf, story);
  }

  /** @returns how many there were */
  delete({ state, shelf, seqs }: Deletion, isCurrent: boolean): number {
    let count = 0;
    for (const [from, to] of rangesOfSeqs(seqs)) {
      const gone = this.#remove.all(state.no, shelf, from, to) as { seq: number; size: number }[];
      for (const { seq, size } of gone) this.#tally.stage(state, shelf, seq, size, -1);
      count += gone.length;
      if (gone.length > 0 && ALARM_SHELVES.includes(shelf)) this.#story.remove(state, from, to);
    }
    if (count > 0) this.#runs.noteDeleted(state, count, isCurrent);
    return count;
  }

  /** Rows in `ranges` have their receipt now; tells the tally. */
  receipted(state: RunState, ranges: Ranges): void {
    for (const shelf of SHELVES) {
      if (this.#tally.of(state, shelf).unsentRows === 0) continue;
      for (const [from, to] of ranges) {
        const [rows = 0, bytes = 0] = this.#measure.get(state.no, shelf, from, to) as number[];
        if (rows > 0) this.#tally.receipted(state, shelf, rows, bytes);
      }
    }
  }
}

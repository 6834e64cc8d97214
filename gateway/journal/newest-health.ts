import type { EncodedRecord } from "./messages.ts";
import type { RunTable } from "./run-table.ts";
import { SHELF } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import type { Tally } from "./tally.ts";

/**
 * Sees to it that lane 1 holds the newest `health` alone: the one before it moves to the shelf of older health, in lane 4, in
 * the commit of the newer, so that after a long outage the state of now does not wait behind thousands of old ones. Rows with
 * a receipt move too: a bridge that was restored may want them again.
 */
export class NewestHealth {
  readonly #runs: RunTable;
  readonly #tally: Tally;
  readonly #move;

  constructor(db: SqliteDatabase, runs: RunTable, tally: Tally) {
    this.#runs = runs;
    this.#tally = tally;
    this.#move = db.prepare(
      `UPDATE record SET shelf = ${SHELF.olderHealth} WHERE run_no = ? AND shelf = ${SHELF.newestHealth}
       RETURNING seq, length(bytes) AS size`,
    );
  }

  /** Call it inside the transaction that inserts a newer one, before that. */
  overtake(): void {
    for (const state of this.#runs.all()) {
      if (this.#tally.of(state, SHELF.newestHealth).rows === 0) continue;
      for (const { seq, size } of this.#move.all(state.no) as { seq: number; size: number }[]) {
        this.#tally.stage(state, SHELF.newestHealth, seq, size, -1);
        this.#tally.stage(state, SHELF.olderHealth, seq, size, 1);
      }
    }
  }
}

/** All but the newest `health` of one commit are older from the start. */
export function behindNewest(records: readonly EncodedRecord[]): readonly EncodedRecord[] {
  const newest = newestHealth(records);
  return records.map((record, at): EncodedRecord => {
    const [, kind, ...rest] = record;
    return at < newest && kind === "health" ? [SHELF.olderHealth, kind, ...rest] : record;
  });
}

/** @returns its index, -1 when there is none */
export function newestHealth(records: readonly EncodedRecord[]): number {
  return records.findLastIndex(([, kind]) => kind === "health");
}

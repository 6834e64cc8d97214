import { contains } from "../../protocol/ranges.ts";
import type { SqliteDatabase } from "./database.ts";
import type { EncodedRecord } from "./messages.ts";
import type { RunState, RunTable } from "./run-table.ts";

/** A lane is only an index: the record's bytes stay as they are. */
const LANE_OF_OLDER_HEALTH = 4;

/**
 * Sees to it that lane 1 holds the newest `health` alone: the one before it moves to lane 4 in the commit of the newer, so
 * that after a long outage the state of now does not wait behind thousands of old ones. Rows with a receipt move too: a
 * bridge that was restored may want them again.
 */
export class NewestHealth {
  readonly #runs: RunTable;
  readonly #current: RunState;
  readonly #demoteRow;
  readonly #demoteRun;
  /** Of the running run, committed. */
  #seq: number | undefined;

  constructor(db: SqliteDatabase, runs: RunTable, current: RunState) {
    this.#runs = runs;
    this.#current = current;
    const demote = `UPDATE record SET lane = ${LANE_OF_OLDER_HEALTH} WHERE run_no = ? AND lane = 1 AND kind = 'health'`;
    this.#demoteRow = db.prepare(`${demote} AND seq = ? RETURNING seq`).pluck();
    this.#demoteRun = db.prepare(`${demote} RETURNING seq`).pluck();
  }

  /** Call it inside the transaction that inserts a newer one. @returns how many rows moved that have no receipt */
  demoteOlder(): number {
    if (this.#seq !== undefined) return unsent(this.#current, this.#demoteRow.all(this.#current.no, this.#seq));
    // The first of this run overtakes the last one of the runs before; older ones were overtaken when that was written.
    for (const state of [...this.#runs.all()].reverse()) {
      if (state === this.#current || state.deleted >= state.head) continue;
      const moved = this.#demoteRun.all(state.no);
      if (moved.length > 0) return unsent(state, moved);
    }
    return 0;
  }

  /** Call it once the newer one is committed. */
  settled(seq: number): void {
    this.#seq = seq;
  }
}

/** All but the newest `health` of one commit are older from the start. */
export function behindNewest(records: readonly EncodedRecord[]): readonly EncodedRecord[] {
  const newest = newestHealth(records);
  return records.map((record, at): EncodedRecord => {
    const [, kind, ...rest] = record;
    return at < newest && kind === "health" ? [LANE_OF_OLDER_HEALTH, kind, ...rest] : record;
  });
}

/** @returns its index, -1 when there is none */
export function newestHealth(records: readonly EncodedRecord[]): number {
  return records.findLastIndex(([, kind]) => kind === "health");
}

function unsent(state: RunState, seqs: readonly unknown[]): number {
  return seqs.filter((seq) => !contains(state.receipted, Number(seq))).length;
}

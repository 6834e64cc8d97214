import type { RunTable } from "./run-table.ts";
import type { SheddingPlan } from "./shedding-plan.ts";
import { MESSAGE_SHELVES, SHELF } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import type { Tally } from "./tally.ts";

const ROWS_A_ROUND = 100;

/**
 * Makes radio traffic and answers to commands fit their share, so that no talk crowds out an alarm: what has its receipt first,
 * then texts before emergency messages and results, oldest first. An emergency is an alarm too, which is not touched here.
 */
export function planMessages(db: SqliteDatabase, runs: RunTable, tally: Tally): SheddingPlan | undefined {
  const received = db
    .prepare("SELECT seq FROM record WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?")
    .pluck();
  const oldest = db.prepare("SELECT seq FROM record WHERE run_no = ? AND shelf = ? ORDER BY seq LIMIT ?").pluck();
  for (const state of runs.all()) {
    for (const shelf of MESSAGE_SHELVES) {
      const { rows, unsentRows } = tally.of(state, shelf);
      if (rows === unsentRows) continue;
      for (const [from, to] of state.receipted) {
        const seqs = received.all(state.no, shelf, from, to, ROWS_A_ROUND) as number[];
        if (seqs.length > 0) return { deletions: [{ state, shelf, seqs }], append: [] };
      }
    }
  }
  for (const shelf of [SHELF.other, SHELF.urgent]) {
    for (const state of runs.all()) {
      if (tally.of(state, shelf).rows === 0) continue;
      const seqs = oldest.all(state.no, shelf, ROWS_A_ROUND) as number[];
      if (seqs.length > 0) return { deletions: [{ state, shelf, seqs }], append: [] };
    }
  }
  return undefined;
}

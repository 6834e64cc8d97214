import type { SqliteDatabase } from "./database.ts";
import type { Stamp } from "./messages.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { deleteRecords } from "./shedding.ts";

const ROWS_A_ROUND = 2000;

/**
 * Deletes a round of rows that have had their receipt and are older than `keepMs`, and forgets runs that ended as long ago
 * and hold nothing. Never an unreceipted row; and nothing at all while the node does not know the time.
 * @returns whether another round may find more
 */
export function retainRecords(
  db: SqliteDatabase,
  runs: RunTable,
  current: RunState,
  stamp: Stamp,
  keepMs: number,
): boolean {
  if (stamp.timeQuality === "none") return false;
  const before = stamp.atMs - keepMs;
  const expired = db
    .prepare("SELECT seq FROM record WHERE run_no = ? AND seq BETWEEN ? AND ? AND at_ms < ? ORDER BY seq LIMIT ?")
    .pluck();
  let left = ROWS_A_ROUND;
  for (const state of [...runs.all()]) {
    if (state.startedAtMs >= before) break;
    db.transaction(() => {
      for (const [from, to] of state.receipted) {
        const seqs = left > 0 ? (expired.all(state.no, from, to, before, left) as number[]) : [];
        if (seqs.length === 0) continue;
        deleteRecords(db, state, seqs);
        runs.noteDeleted(state, seqs.length, state === current);
        left -= seqs.length;
      }
      if (state !== current && state.deleted >= state.head && lastSignMs(state) < before) runs.forget(state);
    }).immediate();
    if (left <= 0) return true;
  }
  return false;
}

function lastSignMs(state: RunState): number {
  return Math.max(state.startedAtMs, state.endedAtMs ?? 0);
}

import type { Stamp } from "./messages.ts";
import type { Deletion } from "./record-rows.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { SHELVES } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import type { Tally } from "./tally.ts";

const ROWS_A_ROUND = 2000;

export interface Retention {
  readonly deletions: readonly Deletion[];
  /** Runs that ended long ago and hold nothing. */
  readonly forgotten: readonly RunState[];
}

/**
 * Chooses a round of rows that have had their receipt and are older than `keepMs`, and runs that ended as long ago and hold
 * nothing. Never an unreceipted row; and nothing at all while the node does not know the time.
 * @returns undefined when there is nothing to do
 */
export function planRetention(
  { db, runs, current, tally }: { db: SqliteDatabase; runs: RunTable; current: RunState; tally: Tally },
  stamp: Stamp,
  keepMs: number,
): Retention | undefined {
  if (stamp.timeQuality === "none") return undefined;
  const before = stamp.atMs - keepMs;
  const oldest = db.prepare(
    "SELECT seq, at_ms FROM record WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
  );
  const deletions: Deletion[] = [];
  const forgotten: RunState[] = [];
  let left = ROWS_A_ROUND;
  for (const state of runs.all()) {
    if (state.startedAtMs >= before || left <= 0) break;
    for (const shelf of SHELVES) {
      const { rows, unsentRows } = tally.of(state, shelf);
      if (rows === unsentRows) continue;
      for (const [from, to] of state.receipted) {
        if (left <= 0) break;
        const seqs: number[] = [];
        // The first that is younger ends the look: rows behind it are, or become old in their turn.
        for (const row of oldest.iterate(state.no, shelf, from, to, left) as Iterable<{ seq: number; at_ms: number }>) {
          if (row.at_ms >= before) break;
          seqs.push(row.seq);
        }
        if (seqs.length === 0) continue;
        deletions.push({ state, shelf, seqs });
        left -= seqs.length;
      }
    }
    if (state !== current && state.deleted >= state.head && lastSignMs(state) < before) forgotten.push(state);
  }
  return deletions.length + forgotten.length === 0 ? undefined : { deletions, forgotten };
}

function lastSignMs(state: RunState): number {
  return Math.max(state.startedAtMs, state.endedAtMs ?? 0);
}

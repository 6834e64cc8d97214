import type { NewRecord } from "../../protocol/record.ts";
import { encodeAfterSeq } from "../../protocol/record-encode.ts";
import { canRollUp, rollUp } from "./level-rollup.ts";
import type { Stamp } from "./messages.ts";
import { planRetention } from "./retention.ts";
import type { RunState, RunTable } from "./run-table.ts";
import type { SheddingPlan } from "./shedding-plan.ts";
import { SHELF, SHELVES, type Shelf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { recordOf } from "./stored-record.ts";
import type { Tally } from "./tally.ts";
import type { Thinning } from "./thinning.ts";

const ROWS_A_ROUND = 500;
const SENT_SHELVES = SHELVES.filter((shelf) => shelf >= 10);
/** Whole groups of minutes make an hour of ten meters. */
const MINUTES_A_ROUND = 600;
/** Minutes that share no hour with others cost more as statistics than with their levels: giving those up must give room. */
const MOST_LEFT = 0.75;

export interface Shedder {
  readonly db: SqliteDatabase;
  readonly runs: RunTable;
  readonly current: RunState;
  readonly tally: Tally;
  readonly thinning: Thinning;
  readonly keepReceiptedMs: number;
}

/**
 * Chooses what the quota costs next, oldest first and least worth first: rows of lanes 1–4 that have their receipt, then
 * unsent health; times, device states, measurements and starts; positions, thinned; the levels of minutes, where that gives
 * room; the statistics of minutes; minutes that go into no hour with others; the positions that were left; last, rows of
 * lane 0 that had their receipt long enough ago. Alarms, messages and evidence are capped by their own rule, and `shed` is
 * absorbed by a newer one.
 * @returns undefined when nothing is left that may go
 */
export function planShedding(shedder: Shedder, stamp: Stamp): SheddingPlan | undefined {
  const rows = (shelf: Shelf) => oldestOf(shedder, shelf);
  return (
    receiptedRows(shedder) ??
    rows(SHELF.olderHealth) ??
    rows(SHELF.state) ??
    rows(SHELF.measurement) ??
    rows(SHELF.start) ??
    shedder.thinning.plan() ??
    levelsToStatistics(shedder, stamp) ??
    rows(SHELF.statistics) ??
    rows(SHELF.levels) ??
    rows(SHELF.position) ??
    oldUrgent(shedder, stamp)
  );
}

function receiptedRows({ db, runs, tally }: Shedder): SheddingPlan | undefined {
  const select = db
    .prepare("SELECT seq FROM record WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?")
    .pluck();
  for (const state of runs.all()) {
    for (const shelf of SENT_SHELVES) {
      const { rows, unsentRows } = tally.of(state, shelf);
      if (rows === unsentRows) continue;
      for (const [from, to] of state.receipted) {
        const seqs = select.all(state.no, shelf, from, to, ROWS_A_ROUND) as number[];
        if (seqs.length > 0) return { deletions: [{ state, shelf, seqs }], append: [] };
      }
    }
  }
  return undefined;
}

function oldestOf({ db, runs, tally, current }: Shedder, shelf: Shelf): SheddingPlan | undefined {
  const select = db
    .prepare("SELECT seq FROM record WHERE run_no = ? AND shelf = ? AND seq > ? ORDER BY seq LIMIT ?")
    .pluck();
  for (const state of runs.all()) {
    if (tally.of(state, shelf).rows === 0) continue;
    // The current run's first record says what the run is; all else of it may go.
    const seqs = select.all(state.no, shelf, state === current ? 1 : 0, ROWS_A_ROUND) as number[];
    if (seqs.length > 0) return { deletions: [{ state, shelf, seqs }], append: [] };
  }
  return undefined;
}

function levelsToStatistics({ db, runs, tally, current }: Shedder, stamp: Stamp): SheddingPlan | undefined {
  const select = db.prepare(
    "SELECT seq, bytes FROM record WHERE run_no = ? AND shelf = ? AND seq > ? ORDER BY seq LIMIT ?",
  );
  for (const state of runs.all()) {
    if (tally.of(state, SHELF.levels).rows === 0) continue;
    const rows = select.all(state.no, SHELF.levels, 0, MINUTES_A_ROUND) as { seq: number; bytes: Uint8Array }[];
    if (rows.length === 0) continue;
    const isCurrent = state === current;
    const minutes = rows.map(({ bytes }) => recordOf(bytes)).filter((record) => canRollUp(record, isCurrent));
    const append = rollUp(state.run, minutes, isCurrent, stamp);
    if (sizeOf(append) > MOST_LEFT * rows.reduce((sum, { bytes }) => sum + bytes.length, 0)) continue;
    return { deletions: [{ state, shelf: SHELF.levels, seqs: rows.map(({ seq }) => seq) }], append };
  }
  return undefined;
}

function sizeOf(records: readonly NewRecord[]): number {
  return records.reduce((sum, record) => sum + encodeAfterSeq(record).length, 0);
}

/** Lane 0 in the bridge's custody, but never so soon that a bridge restored from a backup could miss it. */
function oldUrgent(shedder: Shedder, stamp: Stamp): SheddingPlan | undefined {
  const plan = planRetention(shedder, stamp, shedder.keepReceiptedMs);
  return plan === undefined || plan.deletions.length === 0 ? undefined : { deletions: plan.deletions, append: [] };
}

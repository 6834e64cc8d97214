import { intersect, rangesOfSeqs, subtract } from "../../protocol/ranges.ts";
import type { BodyOf } from "../../protocol/record.ts";
import type { SqliteDatabase } from "./database.ts";
import type { RunState, RunTable } from "./run-table.ts";

export interface SheddingPlan {
  readonly deletions: readonly { readonly state: RunState; readonly seqs: readonly number[] }[];
  /** What the same transaction declares; empty where everything deleted had its receipt. */
  readonly bodies: readonly BodyOf<"shed">[];
}

const ROWS_A_ROUND = 500;
const RANGES_A_BODY = 100;

/** Given up in this order once nothing receipted is left. Alarms, messages, results and `shed` itself are never given up. */
const KINDS_BY_WORTH: readonly (readonly string[])[] = [
  ["health"],
  ["time", "device", "measurement", "start"],
  ["position"],
  ["noise"],
];

/**
 * Chooses what the quota costs next, oldest first: receipted rows of lanes 1–4, then unreceipted ones by their worth.
 * @returns undefined when nothing is left that may go
 */
export function planShedding(db: SqliteDatabase, runs: RunTable, current: RunState): SheddingPlan | undefined {
  const receipted = db
    .prepare("SELECT seq FROM record WHERE run_no = ? AND seq BETWEEN ? AND ? AND lane >= 1 ORDER BY seq LIMIT ?")
    .pluck();
  for (const state of runs.all()) {
    if (state.deleted >= state.head) continue;
    for (const [from, to] of state.receipted) {
      const seqs = receipted.all(state.no, from, to, ROWS_A_ROUND) as number[];
      if (seqs.length > 0) return { deletions: [{ state, seqs }], bodies: [] };
    }
  }
  for (const kinds of KINDS_BY_WORTH) {
    const marks = kinds.map(() => "?").join(",");
    const byKind = db
      .prepare(
        `SELECT seq FROM record WHERE run_no = ? AND lane >= 1 AND kind IN (${marks}) AND seq > ? ORDER BY seq LIMIT ?`,
      )
      .pluck();
    for (const state of runs.all()) {
      if (state.deleted >= state.head) continue;
      // The current run's first record says what the run is; all else of it may go.
      const after = state === current ? 1 : 0;
      const seqs = byKind.all(state.no, ...kinds, after, ROWS_A_ROUND) as number[];
      if (seqs.length === 0) continue;
      return { deletions: [{ state, seqs }], bodies: declare(state, seqs) };
    }
  }
  return undefined;
}

export function deleteRecords(db: SqliteDatabase, state: RunState, seqs: readonly number[]): void {
  const remove = db.prepare("DELETE FROM record WHERE run_no = ? AND seq BETWEEN ? AND ?");
  for (const [from, to] of rangesOfSeqs(seqs)) remove.run(state.no, from, to);
}

function declare(state: RunState, seqs: readonly number[]): BodyOf<"shed">[] {
  const all = rangesOfSeqs(seqs);
  const lost = subtract(all, intersect(all, state.receipted));
  const bodies: BodyOf<"shed">[] = [];
  for (let at = 0; at < lost.length; at += RANGES_A_BODY) {
    bodies.push({
      run: state.run,
      ranges: lost.slice(at, at + RANGES_A_BODY).map(([a, b]) => [a, b]),
      reason: "quota",
    });
  }
  return bodies;
}

import { NO_RANGES, type Ranges, subtract } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { StoredRecord } from "../contracts/journal.ts";
import type { SqliteDatabase } from "./database.ts";
import type { RunState, RunTable } from "./run-table.ts";

export const LANES: readonly Lane[] = [0, 1, 2, 3, 4];

/**
 * Unreceipted rows by lane; lane 2 of an earlier run waits in lane 4, as older health does. Counted at the first question,
 * so that a start does not pay for its backlog, and kept up to date from then on.
 */
export class LaneDepth {
  readonly #runs: RunTable;
  readonly #current: RunState;
  readonly #countRows;
  #depth: [number, number, number, number, number] | undefined;

  constructor(db: SqliteDatabase, runs: RunTable, current: RunState) {
    this.#runs = runs;
    this.#current = current;
    this.#countRows = db
      .prepare("SELECT count(*) FROM record WHERE run_no = ? AND lane = ? AND seq BETWEEN ? AND ?")
      .pluck();
  }

  get(): readonly [number, number, number, number, number] {
    if (this.#depth === undefined) {
      this.#depth = [0, 0, 0, 0, 0];
      for (const state of this.#runs.all()) this.#count(state, unreceipted(state), 1);
    }
    return this.#depth;
  }

  committed(rows: readonly StoredRecord[]): void {
    if (this.#depth !== undefined) for (const row of rows) this.#depth[row.lane] += 1;
  }

  /** Older health without a receipt went from lane 1 to lane 4. */
  demoted(count: number): void {
    if (this.#depth === undefined) return;
    this.#depth[1] -= count;
    this.#depth[4] += count;
  }

  receipted(state: RunState, ranges: Ranges): void {
    this.#count(state, ranges, -1);
  }

  /** Rows were deleted that nobody had a receipt for: count anew when asked. */
  forget(): void {
    this.#depth = undefined;
  }

  #count(state: RunState, ranges: Ranges, sign: 1 | -1): void {
    const depth = this.#depth;
    if (depth === undefined) return;
    for (const [from, to] of ranges) {
      for (const lane of LANES) {
        const counted = lane === 2 && state !== this.#current ? 4 : lane;
        depth[counted] += sign * Number(this.#countRows.get(state.no, lane, from, to));
      }
    }
  }
}

/** Seqs of a run that the bridge has not confirmed. */
export function unreceipted(state: RunState): Ranges {
  return state.head === 0 ? NO_RANGES : subtract([[1, state.head]], state.receipted);
}

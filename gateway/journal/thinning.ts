import type { RunState, RunTable } from "./run-table.ts";
import type { SheddingPlan } from "./shedding-plan.ts";
import { SHELF } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { jsonOf } from "./stored-record.ts";
import type { Tally } from "./tally.ts";

const KEPT_OF_A_PASS = 4;
const PASSES = 2;
const ROWS_A_ROUND = 800;
/** Fewer than these are not worth a commit, and are what a vehicle's present track is made of. */
const LEAST_ROWS = 64;

const SETTING = "shed.thinned";

/** By number of run: up to which seq each pass has come. */
type Cursors = Readonly<Record<string, readonly number[]>>;

/**
 * Thins the track of a long outage instead of cutting it off: first every fourth position of all stays, then every sixteenth,
 * each pass from the oldest on. By fours, because a page gives its space back only when it is nearly empty.
 */
export class Thinning {
  readonly #db: SqliteDatabase;
  readonly #runs: RunTable;
  readonly #tally: Tally;
  readonly #select;

  constructor(db: SqliteDatabase, runs: RunTable, tally: Tally) {
    this.#db = db;
    this.#runs = runs;
    this.#tally = tally;
    this.#select = db
      .prepare("SELECT seq FROM record WHERE run_no = ? AND shelf = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?")
      .pluck();
  }

  plan(): SheddingPlan | undefined {
    const cursors = this.#cursors();
    for (let pass = 0; pass < PASSES; pass += 1) {
      for (const state of this.#runs.all()) {
        if (this.#tally.of(state, SHELF.position).rows < LEAST_ROWS) continue;
        const plan = this.#planPass(state, pass, cursors);
        if (plan !== undefined) return plan;
      }
    }
    return undefined;
  }

  #planPass(state: RunState, pass: number, cursors: Cursors): SheddingPlan | undefined {
    const own = cursors[state.no] ?? [];
    const after = own[pass] ?? 0;
    const through = pass === 0 ? state.head : (own[pass - 1] ?? 0);
    const rows = this.#select.all(state.no, SHELF.position, after, through, ROWS_A_ROUND) as number[];
    const last = rows.at(-1);
    if (last === undefined || rows.length < LEAST_ROWS) return undefined;
    const seqs = rows.filter((_, at) => at % KEPT_OF_A_PASS !== 0);
    const passed = Array.from({ length: PASSES }, (_, at) => (at === pass ? last : (own[at] ?? 0)));
    const alive = Object.entries(cursors).filter(([no]) => [...this.#runs.all()].some((run) => String(run.no) === no));
    return {
      deletions: [{ state, shelf: SHELF.position, seqs }],
      append: [],
      note: () => this.#put({ ...Object.fromEntries(alive), [state.no]: passed }),
    };
  }

  #cursors(): Cursors {
    const value: unknown = this.#db.prepare("SELECT value FROM setting WHERE key = ?").pluck().get(SETTING);
    // Damaged: thinning begins anew, which thins some a second time and loses nothing else.
    return (jsonOf(value) as Cursors | undefined) ?? {};
  }

  #put(cursors: Cursors): void {
    this.#db
      .prepare("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .run(SETTING, JSON.stringify(cursors));
  }
}

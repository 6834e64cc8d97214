import { contains, rangesOfSeqs } from "../../protocol/ranges.ts";
import type { BodyOf } from "../../protocol/record.ts";
import { type CorruptRow, kindOfShelf } from "./record-reader.ts";
import type { Deletion } from "./record-rows.ts";
import type { SqliteDatabase } from "./sqlite.ts";

const RANGES_A_BODY = 100;

export interface CorruptPlan {
  readonly deletions: readonly Deletion[];
  readonly bodies: readonly BodyOf<"shed">[];
  /** Keeps the damaged bytes, for whoever wants to look at them; call it inside the transaction. */
  readonly note: () => void;
}

/** What becomes of rows whose bytes are not those that were written: put aside, and declared where the bridge has them not. */
export function corruptPlan(db: SqliteDatabase, rows: readonly CorruptRow[]): CorruptPlan {
  const deletions: Deletion[] = [];
  const bodies: BodyOf<"shed">[] = [];
  for (const of of Map.groupBy(rows, ({ state, shelf }) => `${state.no} ${shelf}`).values()) {
    const [first] = of;
    if (first === undefined) continue;
    const { state, shelf } = first;
    const seqs = [...new Set(of.map(({ seq }) => seq))].sort((a, b) => a - b);
    deletions.push({ state, shelf, seqs });
    const lost = rangesOfSeqs(seqs.filter((seq) => !contains(state.receipted, seq)));
    const kind = kindOfShelf(shelf);
    for (let at = 0; at < lost.length; at += RANGES_A_BODY) {
      const ranges = lost.slice(at, at + RANGES_A_BODY).map(([from, to]): [number, number] => [from, to]);
      bodies.push({ run: state.run, ranges, reason: "corrupt", ...(kind === undefined ? {} : { kind }) });
    }
  }
  const keep = db.prepare(
    `INSERT OR REPLACE INTO corrupt (run_no, seq, kind, at_ms, bytes)
     SELECT run_no, seq, kind, at_ms, bytes FROM record WHERE run_no = ? AND shelf = ? AND seq = ?`,
  );
  const note = () => {
    for (const { state, shelf, seq } of rows) keep.run(state.no, shelf, seq);
  };
  return { deletions, bodies, note };
}

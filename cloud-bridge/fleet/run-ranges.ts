import type { Ranges } from "../../protocol/ranges.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { gapsOf, SHED_REASONS } from "../store/ledger.ts";
import { ledgerOf } from "./accounting.ts";

export type RangeState = "stored" | "outstanding" | "unexplained" | (typeof SHED_REASONS)[number] | "declared";

/** When a record was made, as far as anybody knows. */
export interface SeqTime {
  readonly seq: number;
  readonly upMs: number;
  /** Corrected UTC; absent where neither a `time` record nor the node's own clock could tell. */
  readonly utcMs?: number;
}

export interface RunRange {
  readonly state: RangeState;
  readonly from: number;
  readonly to: number;
  /** Of a stored range its first and last record that are still held; else of the records on either side of it. */
  readonly fromTime?: SeqTime;
  readonly toTime?: SeqTime;
}

/**
 * The ranges of one run in order of seq, with times, beginning after a seq.
 * @throws BridgeError RUN_UNKNOWN
 */
export async function rangesOfRun(
  db: Db,
  node: string,
  run: string,
  { afterSeq = 0, limit, states }: { afterSeq?: number; limit: number; states?: readonly RangeState[] },
): Promise<RunRange[]> {
  const row = await db
    .selectFrom("runs")
    .select(["head", "stored", "declared", "reasons", "listed"])
    .where("node", "=", node)
    .where("run", "=", run)
    .executeTakeFirst();
  if (row === undefined) {
    throw new BridgeError("RUN_UNKNOWN", `${node} has no run ${run.slice(0, 32)}`, {
      status: 404,
      hint: "GET /api/v1/nodes/{id}/accounting lists the runs of a node.",
    });
  }
  const ledger = ledgerOf(row);
  const reasons = ledger.reasons ?? {};
  const all: RunRange[] = [
    ...named("stored", ledger.stored),
    ...named(row.listed === 1 ? "outstanding" : "unexplained", gapsOf(ledger)),
    ...(Object.keys(reasons).length === 0
      ? named("declared", ledger.declared)
      : SHED_REASONS.flatMap((reason) => named(reason, reasons[reason] ?? []))),
  ];
  const wanted = all
    .filter(({ from, state }) => from > afterSeq && (states === undefined || states.includes(state)))
    .sort((a, b) => a.from - b.from)
    .slice(0, limit);
  return Promise.all(wanted.map((range) => timed(db, node, run, range)));
}

function named(state: RangeState, ranges: Ranges): RunRange[] {
  return ranges.map(([from, to]) => ({ state, from, to }));
}

async function timed(db: Db, node: string, run: string, range: RunRange): Promise<RunRange> {
  const isStored = range.state === "stored";
  const rows = () =>
    db
      .selectFrom("inbox")
      .select(["seq", "up_ms", "corrected_at_ms"])
      .where("node", "=", node)
      .where("run", "=", run)
      .limit(1);
  const [first, last] = await Promise.all([
    isStored
      ? rows().where("seq", ">=", range.from).where("seq", "<=", range.to).orderBy("seq").executeTakeFirst()
      : rows().where("seq", "<", range.from).orderBy("seq", "desc").executeTakeFirst(),
    isStored
      ? rows().where("seq", ">=", range.from).where("seq", "<=", range.to).orderBy("seq", "desc").executeTakeFirst()
      : rows().where("seq", ">", range.to).orderBy("seq").executeTakeFirst(),
  ]);
  return {
    ...range,
    ...(first === undefined ? {} : { fromTime: seqTime(first) }),
    ...(last === undefined ? {} : { toTime: seqTime(last) }),
  };
}

function seqTime(row: { seq: number; up_ms: number; corrected_at_ms: number | null }): SeqTime {
  return {
    seq: row.seq,
    upMs: row.up_ms,
    ...(row.corrected_at_ms === null ? {} : { utcMs: row.corrected_at_ms }),
  };
}

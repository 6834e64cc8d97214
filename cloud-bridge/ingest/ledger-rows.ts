import type { Ranges } from "../../protocol/ranges.ts";
import type { Trx } from "../store/database.ts";
import { isPostgres } from "../store/dialect.ts";
import type { RunsTable } from "../store/fleet-tables.ts";
import { accountOf, EMPTY_LEDGER_RUN, type LedgerRun, type ShedRanges } from "../store/ledger.ts";
import { prepared } from "../store/prepared.ts";
import { NO_MARKS, type TimeMarks } from "../store/time-marks.ts";

/** One (node, run) that a batch touches. */
export interface RunKey {
  readonly node: string;
  readonly run: string;
}

/** A run's row while its batch is being written. */
export interface LedgerRow extends RunKey {
  ledger: LedgerRun;
  isListed: boolean;
  /** What its `time` records said of UTC. */
  marks: TimeMarks;
}

export const keyOf = ({ node, run }: RunKey): string => `${node} ${run}`;

/**
 * Creates and locks the rows of every run that a batch touches, in sorted order, so that two workers never wait for each
 * other in a circle. On SQLite the transaction holds the one write lock already. The caller holds the rows of these nodes,
 * so that nobody makes a run of theirs at the same time.
 */
export async function lockLedger(trx: Trx, keys: readonly RunKey[], nowMs: number): Promise<Map<string, LedgerRow>> {
  const sorted = [...new Map(keys.map((key) => [keyOf(key), key])).entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = new Map<string, LedgerRow>();
  for (const [key, { node, run }] of sorted) {
    const [found] = (await ledgerByRun(trx, { node, run })).rows;
    if (found === undefined) {
      await trx.insertInto("runs").values({ node, run, first_received_ms: nowMs, last_received_ms: nowMs }).execute();
    }
    rows.set(key, {
      node,
      run,
      ledger: found === undefined ? EMPTY_LEDGER_RUN : ledgerOf(found),
      isListed: found?.listed === 1,
      marks: found === undefined ? NO_MARKS : (JSON.parse(found.time_marks) as TimeMarks),
    });
  }
  return rows;
}

export async function saveLedger(trx: Trx, row: LedgerRow, nowMs: number): Promise<void> {
  await writeLedger(trx, {
    node: row.node,
    run: row.run,
    head: row.ledger.head,
    stored: JSON.stringify(row.ledger.stored),
    declared: JSON.stringify(row.ledger.declared),
    listed: row.isListed ? 1 : 0,
    last_received_ms: nowMs,
    time_marks: JSON.stringify(row.marks),
    reasons: JSON.stringify(row.ledger.reasons ?? {}),
    ...sumsOf(row.ledger),
  });
}

const ledgerByRun = prepared((db, { node, run }: RunKey) => {
  const row = db
    .selectFrom("runs")
    .select(["head", "stored", "declared", "reasons", "listed", "time_marks"])
    .where("node", "=", node)
    .where("run", "=", run);
  return isPostgres(db) ? row.forUpdate() : row;
});

/** What is counted of a run, so that a node's sum needs no look at its ranges. */
export function sumsOf(ledger: LedgerRun) {
  const { stored, declared, outstanding, shed } = accountOf(ledger, true);
  return {
    stored_count: stored,
    declared_count: declared,
    gaps: outstanding,
    shed_quota: shed.quota,
    shed_expired: shed.expired,
    shed_corrupt: shed.corrupt,
    shed_undecodable: shed.undecodable,
  };
}

type WrittenRun = Pick<RunsTable, "node" | "run" | "last_received_ms"> &
  ReturnType<typeof sumsOf> & {
    readonly head: number;
    readonly stored: string;
    readonly declared: string;
    readonly reasons: string;
    readonly listed: number;
    readonly time_marks: string;
  };

const writeLedger = prepared((db, row: WrittenRun) =>
  db
    .updateTable("runs")
    .set({
      head: row.head,
      stored: row.stored,
      declared: row.declared,
      listed: row.listed,
      last_received_ms: row.last_received_ms,
      time_marks: row.time_marks,
      reasons: row.reasons,
      stored_count: row.stored_count,
      declared_count: row.declared_count,
      gaps: row.gaps,
      shed_quota: row.shed_quota,
      shed_expired: row.shed_expired,
      shed_corrupt: row.shed_corrupt,
      shed_undecodable: row.shed_undecodable,
    })
    .where("node", "=", row.node)
    .where("run", "=", row.run),
);

/** Only this room writes these columns. */
export function ledgerOf(row: { head: number; stored: string; declared: string; reasons: string }): LedgerRun {
  return {
    head: row.head,
    stored: JSON.parse(row.stored) as Ranges,
    declared: JSON.parse(row.declared) as Ranges,
    reasons: JSON.parse(row.reasons) as ShedRanges,
  };
}

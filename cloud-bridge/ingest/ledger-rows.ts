import type { Ranges } from "../../protocol/ranges.ts";
import type { Trx } from "../store/database.ts";
import type { RunsTable } from "../store/fleet-tables.ts";
import { EMPTY_LEDGER_RUN, type LedgerRun } from "../store/ledger.ts";
import { prepared } from "../store/prepared.ts";

/** One (node, run) that a batch touches. */
export interface RunKey {
  readonly node: string;
  readonly run: string;
}

/** A run's row while its batch is being written. */
export interface LedgerRow extends RunKey {
  ledger: LedgerRun;
  isListed: boolean;
  /** UTC minus the run's monotonic time, once a `time` record gave it. */
  timeOffsetMs: number | undefined;
  timeOffsetQuality: string | undefined;
}

export const keyOf = ({ node, run }: RunKey): string => `${node} ${run}`;

/**
 * Creates and locks the rows of every run that a batch touches, in sorted order, so that two workers never wait for each
 * other in a circle. On SQLite the transaction holds the one write lock already.
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
      timeOffsetMs: found?.time_offset_ms ?? undefined,
      timeOffsetQuality: found?.time_offset_quality ?? undefined,
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
    time_offset_ms: row.timeOffsetMs ?? null,
    time_offset_quality: row.timeOffsetQuality ?? null,
  });
}

const ledgerByRun = prepared((db, { node, run }: RunKey) =>
  db
    .selectFrom("runs")
    .select(["head", "stored", "declared", "listed", "time_offset_ms", "time_offset_quality"])
    .where("node", "=", node)
    .where("run", "=", run),
);

type WrittenRun = Pick<RunsTable, "node" | "run" | "last_received_ms" | "time_offset_ms" | "time_offset_quality"> & {
  readonly head: number;
  readonly stored: string;
  readonly declared: string;
  readonly listed: number;
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
      time_offset_ms: row.time_offset_ms,
      time_offset_quality: row.time_offset_quality,
    })
    .where("node", "=", row.node)
    .where("run", "=", row.run),
);

/** Only this room writes these columns. */
export function ledgerOf(row: { head: number; stored: string; declared: string }): LedgerRun {
  return { head: row.head, stored: JSON.parse(row.stored) as Ranges, declared: JSON.parse(row.declared) as Ranges };
}

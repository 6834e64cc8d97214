import { type Selectable, sql } from "kysely";
import type { Ranges } from "../../protocol/ranges.ts";
import type { Trx } from "../store/database.ts";
import { isPostgres } from "../store/dialect.ts";
import type { RunsTable } from "../store/fleet-tables.ts";
import { accountOf, EMPTY_LEDGER_RUN, type LedgerRun, type ShedRanges } from "../store/ledger.ts";
import { overRows } from "../store/over-rows.ts";
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
  const asked = sorted.map(([, { node, run }]) => ({ node, run }));
  const found = new Map((await lockedRuns(trx, asked)).rows.map((row) => [keyOf(row), row]));
  const missing = asked.filter((key) => !found.has(keyOf(key)));
  await makeRuns(
    trx,
    missing.map((key) => ({ ...key, nowMs })),
  );
  return new Map(
    sorted.map(([key, { node, run }]) => {
      const row = found.get(key);
      const ledger = row === undefined ? EMPTY_LEDGER_RUN : ledgerOf(row);
      const marks = row === undefined ? NO_MARKS : (JSON.parse(row.time_marks) as TimeMarks);
      return [key, { node, run, ledger, isListed: row?.listed === 1, marks }];
    }),
  );
}

const makeRuns = overRows<RunKey & { readonly nowMs: number }>(
  { node: "text", run: "text", nowMs: "bigint" },
  (given) => sql`insert into runs (node, run, first_received_ms, last_received_ms)
    select given.node, given.run, given."nowMs", given."nowMs" from ${given}`,
);

type LockedRun = Pick<
  Selectable<RunsTable>,
  "node" | "run" | "head" | "stored" | "declared" | "reasons" | "listed" | "time_marks"
>;

const lockedRuns = overRows<RunKey, LockedRun>({ node: "text", run: "text" }, (given, db) => {
  const text = sql<LockedRun>`select runs.node, runs.run, runs.head, runs.stored, runs.declared, runs.reasons, runs.listed,
      runs.time_marks
    from ${given} join runs on runs.node = given.node and runs.run = given.run
    order by runs.node, runs.run`;
  return isPostgres(db) ? sql<LockedRun>`${text} for update of runs` : text;
});

/** In one statement, each of its runs once. */
export async function saveLedger(trx: Trx, rows: readonly LedgerRow[], nowMs: number): Promise<void> {
  await writeRuns(
    trx,
    rows.map(({ node, run, ledger, isListed, marks }) => ({
      node,
      run,
      head: ledger.head,
      stored: JSON.stringify(ledger.stored),
      declared: JSON.stringify(ledger.declared),
      listed: isListed ? 1 : 0,
      last_received_ms: nowMs,
      time_marks: JSON.stringify(marks),
      reasons: JSON.stringify(ledger.reasons ?? {}),
      ...sumsOf(ledger),
    })),
  );
}

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

const WRITTEN = {
  head: "bigint",
  stored: "text",
  declared: "text",
  listed: "bigint",
  last_received_ms: "bigint",
  time_marks: "text",
  reasons: "text",
  stored_count: "bigint",
  declared_count: "bigint",
  gaps: "bigint",
  shed_quota: "bigint",
  shed_expired: "bigint",
  shed_corrupt: "bigint",
  shed_undecodable: "bigint",
} as const;

const writeRuns = overRows<WrittenRun>({ node: "text", run: "text", ...WRITTEN }, (given) => {
  const set = Object.keys(WRITTEN).map((name) => sql`${sql.ref(name)} = ${sql.ref(`given.${name}`)}`);
  return sql`update runs set ${sql.join(set)} from ${given} where runs.node = given.node and runs.run = given.run`;
});

/** Only this room writes these columns. */
export function ledgerOf(row: { head: number; stored: string; declared: string; reasons: string }): LedgerRun {
  return {
    head: row.head,
    stored: JSON.parse(row.stored) as Ranges,
    declared: JSON.parse(row.declared) as Ranges,
    reasons: JSON.parse(row.reasons) as ShedRanges,
  };
}

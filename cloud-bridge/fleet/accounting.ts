import { type Selectable, sql } from "kysely";
import { type Ranges, union } from "../../protocol/ranges.ts";
import type { SeqRange } from "../../protocol/session.ts";
import type { Db } from "../store/database.ts";
import type { RunsTable } from "../store/fleet-tables.ts";
import { accountOf, gapsOf, type LedgerRun, type ShedRanges, type ShedReason } from "../store/ledger.ts";
import { type ClockFacts, clockFacts, type TimeMarks } from "../store/time-marks.ts";
import { unknownNode } from "./enrolment.ts";

export type RunRow = Selectable<RunsTable>;

export interface AccountingTotal {
  readonly expected: number;
  readonly stored: number;
  readonly declared: number;
  readonly outstanding: number;
  readonly unexplained: number;
  readonly quarantined: number;
  readonly shed: Readonly<Record<ShedReason, number>>;
}

export const NOTHING_YET: AccountingTotal = {
  expected: 0,
  stored: 0,
  declared: 0,
  outstanding: 0,
  unexplained: 0,
  quarantined: 0,
  shed: { quota: 0, expired: 0, corrupt: 0, undecodable: 0 },
};

/** One run's account. Lists of ranges end after MAX_RANGES; `rangeCount` says how many there are, see ranges-of-run. */
export interface RunFacts {
  readonly run: string;
  readonly head: number;
  readonly firstReceivedMs: number;
  readonly lastReceivedMs: number;
  readonly startedAtMs?: number;
  readonly listed: boolean;
  readonly clock: ClockFacts;
  readonly counts: Omit<AccountingTotal, "quarantined">;
  readonly stored: SeqRange[];
  readonly declared: SeqRange[];
  readonly outstanding: SeqRange[];
  readonly unexplained: SeqRange[];
  readonly rangeCount: number;
  /** The run from its first seq to its head in STRIP_CELLS equal parts, each a letter of the worst in it, see stripOf. */
  readonly strip: string;
}

/** Runs of which every seq is stored or declared: one line for all of them. */
export interface SettledRuns {
  readonly runs: number;
  readonly stored: number;
  readonly declared: number;
}

const MAX_RANGES = 100;
const STRIP_CELLS = 60;

/** Sums of many nodes at once, from counts that stand beside the ranges. */
export async function totalsOf(db: Db, nodes: readonly string[]): Promise<ReadonlyMap<string, AccountingTotal>> {
  if (nodes.length === 0) return new Map();
  const [sums, quarantined] = await Promise.all([
    db
      .selectFrom("runs")
      .select(({ fn }) => [
        "node",
        fn.sum<number>("head").as("expected"),
        fn.sum<number>("stored_count").as("stored"),
        fn.sum<number>("declared_count").as("declared"),
        sql<number>`sum(case when listed = 1 then gaps else 0 end)`.as("outstanding"),
        sql<number>`sum(case when listed = 1 then 0 else gaps end)`.as("unexplained"),
        fn.sum<number>("shed_quota").as("quota"),
        fn.sum<number>("shed_expired").as("expired"),
        fn.sum<number>("shed_corrupt").as("corrupt"),
        fn.sum<number>("shed_undecodable").as("undecodable"),
      ])
      .where("node", "in", nodes)
      .groupBy("node")
      .execute(),
    quarantinedBy(db, nodes),
  ]);
  const totals = new Map<string, AccountingTotal>();
  for (const row of sums) {
    totals.set(row.node, {
      expected: Number(row.expected),
      stored: Number(row.stored),
      declared: Number(row.declared),
      outstanding: Number(row.outstanding),
      unexplained: Number(row.unexplained),
      quarantined: quarantined.get(row.node) ?? 0,
      shed: {
        quota: Number(row.quota),
        expired: Number(row.expired),
        corrupt: Number(row.corrupt),
        undecodable: Number(row.undecodable),
      },
    });
  }
  return totals;
}

export interface AccountingQuery {
  readonly limit?: number;
  /** Only runs before this one, as `pageKey` names it. */
  readonly after?: string;
  /** `open`: only runs with a seq that is neither stored nor declared, and the newest. */
  readonly which?: "all" | "open";
}

/**
 * The node's sum, and its runs, newest first. Asked for the open ones, those that are fully accounted are one line.
 * @throws BridgeError NODE_UNKNOWN
 */
export async function accountingOf(
  db: Db,
  node: string,
  { limit = 100, after, which = "all" }: AccountingQuery = {},
): Promise<{ total: AccountingTotal; settled: SettledRuns; runs: RunFacts[] }> {
  const known = await db.selectFrom("nodes").select(["id", "current_run"]).where("id", "=", node).executeTakeFirst();
  if (known === undefined) throw unknownNode(node);
  let rows = db.selectFrom("runs").selectAll().where("node", "=", node);
  if (which === "open") {
    rows = rows.where((or) =>
      or.or([or("gaps", ">", 0), ...(known.current_run === null ? [] : [or("run", "=", known.current_run)])]),
    );
  }
  if (after !== undefined) {
    const [atMs = "", run = ""] = after.split(" ");
    rows = rows.where((or) =>
      or.or([
        or("first_received_ms", "<", Number(atMs)),
        or.and([or("first_received_ms", "=", Number(atMs)), or("run", ">", run)]),
      ]),
    );
  }
  const [found, totals, settled] = await Promise.all([
    rows.orderBy("first_received_ms", "desc").orderBy("run").limit(limit).execute(),
    totalsOf(db, [node]),
    db
      .selectFrom("runs")
      .select(({ fn }) => [
        fn.countAll<number>().as("runs"),
        fn.sum<number | null>("stored_count").as("stored"),
        fn.sum<number | null>("declared_count").as("declared"),
      ])
      .where("node", "=", node)
      .where("gaps", "=", 0)
      .executeTakeFirstOrThrow(),
  ]);
  return {
    total: totals.get(node) ?? NOTHING_YET,
    settled: {
      runs: Number(settled.runs),
      stored: Number(settled.stored ?? 0),
      declared: Number(settled.declared ?? 0),
    },
    runs: found.map(runFacts),
  };
}

/** Where the next page begins. */
export function pageKey({ firstReceivedMs, run }: Pick<RunFacts, "firstReceivedMs" | "run">): string {
  return `${firstReceivedMs} ${run}`;
}

async function quarantinedBy(db: Db, nodes: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom("quarantine")
    .select(({ fn }) => ["node", fn.countAll<number>().as("count")])
    .where("node", "in", nodes)
    .groupBy("node")
    .execute();
  return new Map(rows.map(({ node, count }) => [node, Number(count)]));
}

function runFacts(row: RunRow): RunFacts {
  const ledger = ledgerOf(row);
  const gaps = gapsOf(ledger);
  const isListed = row.listed === 1;
  return {
    run: row.run,
    head: ledger.head,
    firstReceivedMs: row.first_received_ms,
    lastReceivedMs: row.last_received_ms,
    ...(row.started_at_ms === null ? {} : { startedAtMs: row.started_at_ms }),
    listed: isListed,
    clock: clockFacts(JSON.parse(row.time_marks) as TimeMarks),
    counts: accountOf(ledger, isListed),
    stored: copied(ledger.stored),
    declared: copied(ledger.declared),
    outstanding: isListed ? copied(gaps) : [],
    unexplained: isListed ? [] : copied(gaps),
    rangeCount: ledger.stored.length + ledger.declared.length + gaps.length,
    strip: stripOf(ledger, isListed),
  };
}

/**
 * Each cell the worst of its seqs: `u` unexplained, `o` outstanding, `d` declared, `s` stored. One letter for a run that is
 * all of one kind; empty for a run without any seq.
 */
export function stripOf(ledger: LedgerRun, isListed: boolean): string {
  const { head } = ledger;
  const cells = Math.min(head, STRIP_CELLS);
  const letters: string[] = [];
  const stored = cursorOver(ledger.stored);
  const known = cursorOver(union(ledger.stored, ledger.declared));
  for (let cell = 0; cell < cells; cell += 1) {
    const from = Math.floor((cell * head) / cells) + 1;
    const to = Math.floor(((cell + 1) * head) / cells);
    const size = to - from + 1;
    if (known(from, to) < size) letters.push(isListed ? "o" : "u");
    else letters.push(stored(from, to) < size ? "d" : "s");
  }
  return letters.every((letter) => letter === letters[0]) ? (letters[0] ?? "") : letters.join("");
}

/** How many seqs of a set lie in a span; asked for one span after the other it walks the set once. */
function cursorOver(ranges: Ranges): (from: number, to: number) => number {
  let at = 0;
  return (from, to) => {
    while ((ranges[at]?.[1] ?? Number.POSITIVE_INFINITY) < from) at += 1;
    let count = 0;
    for (let i = at; i < ranges.length; i += 1) {
      const [a, b] = ranges[i] ?? [0, 0];
      if (a > to) break;
      count += Math.min(b, to) - Math.max(a, from) + 1;
    }
    return count;
  };
}

/** Only ingest writes these columns. */
export function ledgerOf(row: Pick<RunRow, "head" | "stored" | "declared" | "reasons">): LedgerRun {
  return {
    head: row.head,
    stored: JSON.parse(row.stored) as Ranges,
    declared: JSON.parse(row.declared) as Ranges,
    reasons: JSON.parse(row.reasons) as ShedRanges,
  };
}

function copied(ranges: Ranges): SeqRange[] {
  return ranges.slice(0, MAX_RANGES).map(([from, to]) => [from, to]);
}

import { createHash } from "node:crypto";
import { join } from "node:path";
import Database from "better-sqlite3";
import { EMPTY_LEDGER_RUN, gapsOf, type LedgerRun } from "../../cloud-bridge/store/ledger.ts";
import { contains } from "../../protocol/ranges.ts";
import type { SentRecord } from "./journal-observer.ts";

/** What was sent against what the bridge holds. All of `lost`, `doubled`, `unexplained` and `altered` must be 0. */
export interface CustodyReport {
  readonly sent: number;
  readonly stored: number;
  readonly declared: number;
  readonly lost: number;
  readonly doubled: number;
  readonly unexplained: number;
  /** Stored under the right number with other bytes, or other bytes than their hash says. */
  readonly altered: number;
  /** Committed and then destroyed by the disk itself before anybody else had them; each is declared, shown or unheard. */
  readonly destroyed: number;
  /** Of those: the bridge says that they are missing. */
  readonly destroyedShown: number;
  /** Of those: nobody but the destroyed file ever said that they were there. */
  readonly destroyedUnheard: number;
  readonly alarms: number;
  readonly cases: number;
  readonly assignments: number;
  /** The first few things that are wrong, in words. */
  readonly wrong: readonly string[];
}

/** What one card held: see JournalObserver. */
export interface SentBy {
  readonly records: Iterable<SentRecord>;
  readonly destroyed: ReadonlySet<string>;
}

/**
 * Compares what nodes committed with the database of a bridge that has stopped. An alarm that is only declared is lost,
 * unless the disk destroyed it.
 * @param brokenReceipts receipts that left for what was then not there
 */
export function custodyReport(
  bridgeState: string,
  cards: readonly SentBy[],
  brokenReceipts: readonly string[] = [],
): CustodyReport {
  const db = new Database(join(bridgeState, "bridge.sqlite"), { readonly: true });
  const wrong: string[] = [];
  const count = {
    sent: 0,
    stored: 0,
    declared: 0,
    lost: brokenReceipts.length,
    doubled: 0,
    unexplained: 0,
    altered: 0,
  };
  const gone = { destroyed: 0, destroyedShown: 0, destroyedUnheard: 0 };
  const tell = (fault: string) => wrong.length < 20 && wrong.push(fault);
  for (const fault of brokenReceipts) tell(fault);
  try {
    const destroyed = new Set(cards.flatMap((card) => [...card.destroyed]));
    const inbox = new Map<string, string[]>();
    for (const { run, seq, sha256, bytes } of db
      .prepare("SELECT run, seq, sha256, bytes FROM inbox")
      .iterate() as Iterable<InboxRow>) {
      const key = `${run}/${seq}`;
      inbox.set(key, [...(inbox.get(key) ?? []), sha256]);
      if (createHash("sha256").update(bytes).digest("hex") === sha256) continue;
      count.altered += 1;
      tell(`altered at the bridge: ${key}`);
    }
    const ledgers = new Map<string, LedgerRun>();
    for (const row of db.prepare("SELECT run, head, listed, stored, declared FROM runs").all() as RunRow[]) {
      const ledger = { head: row.head, stored: JSON.parse(row.stored), declared: JSON.parse(row.declared) };
      ledgers.set(row.run, ledger);
      const open = gapsOf(ledger).flatMap(([from, to]) => seqsOf(row.run, from, to));
      const unexplained = open.filter((key) => !destroyed.has(key));
      count.unexplained += unexplained.length;
      if (unexplained.length > 0)
        tell(`run ${row.run}: ${unexplained.length} ${row.listed === 1 ? "outstanding" : "unexplained"}`);
    }

    const alarms = new Map<string, boolean>();
    for (const record of distinct(cards)) {
      const key = `${record.run}/${record.seq}`;
      count.sent += 1;
      const copies = inbox.get(key) ?? [];
      const ledger = ledgers.get(record.run) ?? EMPTY_LEDGER_RUN;
      const isDeclared = contains(ledger.declared, record.seq);
      const isDestroyed = copies.length === 0 && destroyed.has(key);
      if (record.alarmId !== undefined)
        alarms.set(record.alarmId, (alarms.get(record.alarmId) ?? false) || !isDestroyed);
      if (copies.length > 0) count.stored += 1;
      else if (isDestroyed) {
        gone.destroyed += 1;
        if (record.seq <= ledger.head) gone.destroyedShown += 1;
        else gone.destroyedUnheard += 1;
      } else if (isDeclared && record.kind !== "alarm") count.declared += 1;
      else {
        count.lost += 1;
        tell(`lost: ${record.kind} ${key}${isDeclared ? ", only declared" : ""}`);
      }
      if (copies.length > 1) {
        count.doubled += 1;
        tell(`doubled: ${record.kind} ${key} stands ${copies.length} times`);
      }
      if (copies.some((sha256) => sha256 !== record.sha256)) {
        count.altered += 1;
        tell(`altered: ${record.kind} ${key}`);
      }
    }
    const joins = db.prepare("SELECT count(*) FROM case_alarms WHERE alarm_id = ?").pluck();
    for (const [alarmId, isOwed] of alarms) {
      const cases = Number(joins.get(alarmId));
      if (cases === 0 && isOwed) count.lost += 1;
      if (cases > 1) count.doubled += 1;
      if (cases > 1 || (cases === 0 && isOwed)) tell(`alarm ${alarmId} stands in ${cases} cases`);
    }
    const crews = db.prepare("SELECT crew_id FROM assignments WHERE active = 1 GROUP BY crew_id HAVING count(*) > 1");
    const legs = db.prepare("SELECT case_id FROM assignments WHERE active = 1 GROUP BY case_id HAVING count(*) > 1");
    for (const twice of [...crews.pluck().all(), ...legs.pluck().all()]) {
      count.doubled += 1;
      tell(`${String(twice)} has two active assignments`);
    }
    const assignments = Number(db.prepare("SELECT count(*) FROM assignments").pluck().get());
    const cases = Number(db.prepare("SELECT count(*) FROM cases").pluck().get());
    return { ...count, ...gone, alarms: alarms.size, cases, assignments, wrong };
  } finally {
    db.close();
  }
}

/** Two cards may hold the same record; another one under the same number counts for itself. */
function distinct(cards: readonly SentBy[]): Iterable<SentRecord> {
  const all = new Map<string, SentRecord>();
  for (const { records } of cards)
    for (const record of records) all.set(`${record.run}/${record.seq}/${record.sha256}`, record);
  return all.values();
}

function seqsOf(run: string, from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `${run}/${from + at}`);
}

interface InboxRow {
  readonly run: string;
  readonly seq: number;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

interface RunRow {
  readonly run: string;
  readonly head: number;
  readonly listed: number;
  readonly stored: string;
  readonly declared: string;
}

/** Whether nothing at all is wrong. */
export function isClean(report: CustodyReport): boolean {
  return report.lost + report.doubled + report.unexplained + report.altered === 0;
}

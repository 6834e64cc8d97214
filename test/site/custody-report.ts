import { join } from "node:path";
import Database from "better-sqlite3";
import { accountOf } from "../../cloud-bridge/store/ledger.ts";
import type { SeqRange } from "../../protocol/session.ts";
import type { SentRecord } from "./journal-observer.ts";

/** What was sent against what the bridge holds. All of `lost`, `doubled`, `unexplained` and `altered` must be 0. */
export interface CustodyReport {
  readonly sent: number;
  readonly stored: number;
  readonly declared: number;
  readonly lost: number;
  readonly doubled: number;
  readonly unexplained: number;
  /** Stored under the right number with other bytes. */
  readonly altered: number;
  readonly alarms: number;
  readonly cases: number;
  readonly assignments: number;
  /** The first few things that are wrong, in words. */
  readonly faults: readonly string[];
}

/** Compares what nodes committed with the database of a bridge that has stopped. An alarm that is only declared is lost. */
export function custodyReport(bridgeState: string, sent: Iterable<SentRecord>): CustodyReport {
  const db = new Database(join(bridgeState, "bridge.sqlite"), { readonly: true });
  const faults: string[] = [];
  const tell = (fault: string) => faults.length < 20 && faults.push(fault);
  try {
    const inbox = new Map<string, string[]>();
    for (const row of db.prepare("SELECT run, seq, sha256 FROM inbox").all() as InboxRow[]) {
      const key = `${row.run}/${row.seq}`;
      inbox.set(key, [...(inbox.get(key) ?? []), row.sha256]);
    }
    const declared = new Map<string, SeqRange[]>();
    let unexplained = 0;
    for (const run of db.prepare("SELECT run, head, listed, stored, declared FROM runs").all() as RunRow[]) {
      const ledger = { head: run.head, stored: JSON.parse(run.stored), declared: JSON.parse(run.declared) };
      declared.set(run.run, ledger.declared);
      const account = accountOf(ledger, run.listed === 1);
      unexplained += account.unexplained + account.outstanding;
      if (account.unexplained + account.outstanding > 0)
        tell(`run ${run.run}: ${account.outstanding} outstanding, ${account.unexplained} unexplained`);
    }

    let total = 0;
    let stored = 0;
    let declaredCount = 0;
    let lost = 0;
    let doubled = 0;
    let altered = 0;
    const alarms = new Set<string>();
    for (const record of sent) {
      total += 1;
      if (record.alarmId !== undefined) alarms.add(record.alarmId);
      const copies = inbox.get(`${record.run}/${record.seq}`) ?? [];
      const isDeclared = (declared.get(record.run) ?? []).some(([from, to]) => from <= record.seq && record.seq <= to);
      if (copies.length > 0) stored += 1;
      else if (isDeclared && record.kind !== "alarm") declaredCount += 1;
      else {
        lost += 1;
        tell(`lost: ${record.kind} ${record.run}/${record.seq}`);
      }
      if (copies.length > 1) {
        doubled += 1;
        tell(`doubled: ${record.kind} ${record.run}/${record.seq} stands ${copies.length} times`);
      }
      if (copies.some((sha256) => sha256 !== record.sha256)) {
        altered += 1;
        tell(`altered: ${record.kind} ${record.run}/${record.seq}`);
      }
    }
    const joins = db.prepare("SELECT count(*) FROM case_alarms WHERE alarm_id = ?").pluck();
    for (const alarmId of alarms) {
      const count = Number(joins.get(alarmId));
      if (count === 0) lost += 1;
      if (count > 1) doubled += 1;
      if (count !== 1) tell(`alarm ${alarmId} stands in ${count} cases`);
    }
    const crews = db.prepare("SELECT crew_id FROM assignments WHERE active = 1 GROUP BY crew_id HAVING count(*) > 1");
    const legs = db.prepare("SELECT case_id FROM assignments WHERE active = 1 GROUP BY case_id HAVING count(*) > 1");
    for (const twice of [...crews.pluck().all(), ...legs.pluck().all()]) {
      doubled += 1;
      tell(`${String(twice)} has two active assignments`);
    }
    const assignments = Number(db.prepare("SELECT count(*) FROM assignments").pluck().get());
    const cases = Number(db.prepare("SELECT count(*) FROM cases").pluck().get());
    const report = { sent: total, stored, declared: declaredCount, lost, doubled, unexplained, altered };
    return { ...report, alarms: alarms.size, cases, assignments, faults };
  } finally {
    db.close();
  }
}

interface InboxRow {
  readonly run: string;
  readonly seq: number;
  readonly sha256: string;
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

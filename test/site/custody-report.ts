import { createHash } from "node:crypto";
import { EMPTY_LEDGER_RUN, gapsOf, type LedgerRun } from "../../cloud-bridge/store/ledger.ts";
import { contains } from "../../protocol/ranges.ts";
import type { BridgeContent } from "./bridge-data.ts";
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
  /** Clips that committed evidence names; each is at the bridge, whole, or declared. */
  readonly files: number;
  readonly filesStored: number;
  readonly filesDeclared: number;
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
 * Compares what nodes committed with what a bridge holds that has stopped. An alarm that is only declared is lost, unless the
 * disk destroyed it.
 * @param brokenReceipts receipts that left for what was then not there
 * @param isKept whether the bridge's folder holds a file of this hash, whole
 */
export function custodyReport(
  bridge: BridgeContent,
  cards: readonly SentBy[],
  brokenReceipts: readonly string[] = [],
  isKept: (sha256: string) => boolean = () => false,
): CustodyReport {
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
  const files = { files: 0, filesStored: 0, filesDeclared: 0 };
  const tell = (fault: string) => wrong.length < 20 && wrong.push(fault);
  for (const fault of brokenReceipts) tell(fault);
  const destroyed = new Set(cards.flatMap((card) => [...card.destroyed]));
  const inbox = new Map<string, string[]>();
  for (const { run, seq, sha256, bytes } of bridge.inbox) {
    const key = `${run}/${seq}`;
    inbox.set(key, [...(inbox.get(key) ?? []), sha256]);
    if (createHash("sha256").update(bytes).digest("hex") === sha256) continue;
    count.altered += 1;
    tell(`altered at the bridge: ${key}`);
  }
  const ledgers = new Map<string, LedgerRun>();
  for (const row of bridge.runs) {
    const ledger = { head: row.head, stored: row.stored, declared: row.declared };
    ledgers.set(row.run, ledger);
    const open = gapsOf(ledger).flatMap(([from, to]) => seqsOf(row.run, from, to));
    const unexplained = open.filter((key) => !destroyed.has(key));
    count.unexplained += unexplained.length;
    if (unexplained.length > 0)
      tell(`${row.run}: ${unexplained.length} ${row.isListed ? "outstanding" : "unexplained"}`);
  }

  const alarms = new Map<string, boolean>();
  const owed = new Set<string>();
  const given = new Set<string>();
  for (const record of distinct(cards)) {
    const key = `${record.run}/${record.seq}`;
    count.sent += 1;
    const copies = inbox.get(key) ?? [];
    const ledger = ledgers.get(record.run) ?? EMPTY_LEDGER_RUN;
    const isDeclared = contains(ledger.declared, record.seq);
    const isDestroyed = copies.length === 0 && destroyed.has(key);
    if (record.alarmId !== undefined) alarms.set(record.alarmId, (alarms.get(record.alarmId) ?? false) || !isDestroyed);
    for (const sha256 of record.files ?? []) {
      if (record.kind === "evidence-lost") given.add(sha256);
      else if (!isDestroyed) owed.add(sha256);
    }
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
  for (const [alarmId, isOwed] of alarms) {
    const cases = bridge.joins.get(alarmId) ?? 0;
    if (cases === 0 && isOwed) count.lost += 1;
    if (cases > 1) count.doubled += 1;
    if (cases > 1 || (cases === 0 && isOwed)) tell(`alarm ${alarmId} stands in ${cases} cases`);
  }
  for (const sha256 of owed) {
    files.files += 1;
    if (bridge.blobs.has(sha256) && isKept(sha256)) files.filesStored += 1;
    else if (given.has(sha256)) files.filesDeclared += 1;
    else {
      count.lost += 1;
      tell(`lost: file ${sha256}, which the bridge calls ${bridge.blobs.has(sha256) ? "stored" : "not stored"}`);
    }
  }
  for (const id of bridge.twice) {
    count.doubled += 1;
    tell(`${id} has two active assignments`);
  }
  const { assignments, cases } = bridge;
  return { ...count, ...gone, ...files, alarms: alarms.size, cases, assignments, wrong };
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

/** Whether nothing at all is wrong. */
export function isClean(report: CustodyReport): boolean {
  return report.lost + report.doubled + report.unexplained + report.altered === 0;
}

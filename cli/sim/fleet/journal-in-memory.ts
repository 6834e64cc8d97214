import { createHash } from "node:crypto";
import type {
  CustodyJournal,
  JournalRestore,
  JournalStatistics,
  JournalWrite,
  RunSummary,
  StoredRecord,
} from "../../../gateway/contracts/journal.ts";
import type { ShedBody } from "../../../protocol/bodies.ts";
import type { Sha256 } from "../../../protocol/ids.ts";
import { type Lane, laneOf } from "../../../protocol/lane.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import { contains, rangesOfSeqs } from "../../../protocol/ranges.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { SeqRange } from "../../../protocol/session.ts";

interface MemoryRun {
  readonly run: string;
  head: number;
  /** Those without a receipt. */
  readonly rows: Map<number, StoredRecord>;
}

const newRun = (): MemoryRun => ({ run: newRunId(), head: 0, rows: new Map() });

/**
 * A journal without a disk and a thread, so that a thousand nodes fit into one process. It keeps what has no receipt; what
 * the bridge has, it lets go.
 */
export class JournalInMemory implements CustodyJournal {
  #current = newRun();
  /** Newest first, the current one included. */
  readonly #runs: MemoryRun[] = [this.#current];
  readonly #settings = new Map<string, string>();
  readonly #open = new Set<string>();
  readonly #listeners: ((committed: readonly StoredRecord[]) => void)[] = [];

  get restored(): JournalRestore {
    const [{ run }, before] = [this.#current, this.#runs[1]];
    const previous = before === undefined ? {} : { previous: { run: before.run, lastSeq: before.head } };
    return { run, ...previous, wasClean: true, openAlarms: [], recentAlarms: [], levels: [] };
  }

  /** The gateway starts again: whoever listened to the one before is gone with it. */
  beginRun(): void {
    this.#current = newRun();
    this.#runs.unshift(this.#current);
    this.#listeners.length = 0;
  }

  /** Records of all runs so far. */
  get head(): number {
    return this.#runs.reduce((sum, { head }) => sum + head, 0);
  }

  get unreceipted(): number {
    return this.#runs.reduce((sum, { rows }) => sum + rows.size, 0);
  }

  write({ append = [], openAlarms = [], closedAlarms = [] }: JournalWrite): Promise<readonly number[]> {
    for (const { body } of openAlarms) this.#open.add(body.alarmId);
    for (const alarmId of closedAlarms) this.#open.delete(alarmId);
    const current = this.#current;
    const committed = append.map((record): StoredRecord => {
      current.head += 1;
      const seq = current.head;
      return { run: current.run, seq, lane: laneOf(record), upMs: record.upMs, bytes: encodeRecord(seq, record) };
    });
    for (const row of committed) current.rows.set(row.seq, row);
    if (committed.length > 0) for (const listener of this.#listeners) listener(committed);
    return Promise.resolve(committed.map(({ seq }) => seq));
  }

  async runs(): Promise<readonly RunSummary[]> {
    return this.#runs.map(({ run, head }) => ({ run, first: 1, head }));
  }

  async helloContent(): Promise<{ readonly runs: readonly RunSummary[]; readonly open: readonly string[] }> {
    return { runs: await this.runs(), open: [...this.#open] };
  }

  async read(query: Parameters<CustodyJournal["read"]>[0]): Promise<readonly StoredRecord[]> {
    const found: StoredRecord[] = [];
    let sizeBytes = 0;
    for (const row of this.#rowsOf(query.run).values()) {
      if (!query.lanes.includes(row.lane) || !contains(query.ranges, row.seq)) continue;
      if (found.length > 0 && (found.length >= query.maxRecords || sizeBytes + row.bytes.length > query.maxBytes))
        break;
      found.push(row);
      sizeBytes += row.bytes.length;
    }
    return found;
  }

  async lacking(run: string, ranges: readonly SeqRange[]): Promise<readonly SeqRange[]> {
    if (!this.#runs.some((known) => known.run === run)) return ranges;
    const rows = this.#rowsOf(run);
    const gone: number[] = [];
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq += 1) if (!rows.has(seq)) gone.push(seq);
    return rangesOfSeqs(gone);
  }

  markReceipted(run: string, ranges: readonly SeqRange[]): void {
    const rows = this.#rowsOf(run);
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq += 1) rows.delete(seq);
  }

  async hash(run: string, seq: number): Promise<Sha256 | undefined> {
    const row = this.#rowsOf(run).get(seq);
    return row === undefined ? undefined : createHash("sha256").update(row.bytes).digest("hex");
  }

  async getSetting(key: string): Promise<string | undefined> {
    return this.#settings.get(key);
  }

  async setSetting(key: string, value: string): Promise<void> {
    this.#settings.set(key, value);
  }

  async statistics(): Promise<JournalStatistics> {
    const laneDepth: [number, number, number, number, number] = [0, 0, 0, 0, 0];
    let sizeBytes = 0;
    const waiting = this.#runs.flatMap(({ rows }) => [...rows.values()]);
    for (const { lane, bytes } of waiting) {
      laneDepth[lane as Lane] += 1;
      sizeBytes += bytes.length;
    }
    const flags = { reserveHeld: true, full: false, diskLow: false, alarmStoreFull: false };
    const oldest = this.#rowsOf(this.#runs.findLast(({ rows }) => rows.size > 0)?.run ?? "")
      .values()
      .next().value;
    return {
      ...{ records: this.head, unreceipted: waiting.length, laneDepth, sizeBytes, runs: this.#runs.length, ...flags },
      ...(oldest === undefined
        ? {}
        : {
            oldestUnreceipted: {
              isOfThisRun: oldest.run === this.#current.run,
              upMs: oldest.upMs,
              atMs: 0,
              isTimeTrusted: true,
            },
          }),
    };
  }

  #rowsOf(run: string): Map<number, StoredRecord> {
    return this.#runs.find((known) => known.run === run)?.rows ?? new Map();
  }

  async unreceiptedSheds(): Promise<readonly ShedBody[]> {
    return [];
  }

  onCommitted(listener: (committed: readonly StoredRecord[]) => void): void {
    this.#listeners.push(listener);
  }

  onNews(): void {}
  async flush(): Promise<void> {}
  async beginCustody(): Promise<void> {}
  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

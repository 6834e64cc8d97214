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

/**
 * A journal without a disk and a thread, so that a thousand nodes fit into one process. It keeps what has no receipt; what
 * the bridge has, it lets go. One run for as long as the process lives.
 */
export class JournalInMemory implements CustodyJournal {
  readonly restored: JournalRestore;
  readonly #run = newRunId();
  readonly #rows = new Map<number, StoredRecord>();
  readonly #settings = new Map<string, string>();
  readonly #open = new Set<string>();
  readonly #listeners: ((committed: readonly StoredRecord[]) => void)[] = [];
  #head = 0;

  constructor() {
    this.restored = { run: this.#run, wasClean: true, openAlarms: [], recentAlarms: [], levels: [] };
  }

  /** Records of this run so far. */
  get head(): number {
    return this.#head;
  }

  get unreceipted(): number {
    return this.#rows.size;
  }

  write({ append = [], openAlarms = [], closedAlarms = [] }: JournalWrite): Promise<readonly number[]> {
    for (const { body } of openAlarms) this.#open.add(body.alarmId);
    for (const alarmId of closedAlarms) this.#open.delete(alarmId);
    const committed = append.map((record): StoredRecord => {
      this.#head += 1;
      const seq = this.#head;
      return { run: this.#run, seq, lane: laneOf(record), upMs: record.upMs, bytes: encodeRecord(seq, record) };
    });
    for (const row of committed) this.#rows.set(row.seq, row);
    if (committed.length > 0) for (const listener of this.#listeners) listener(committed);
    return Promise.resolve(committed.map(({ seq }) => seq));
  }

  async runs(): Promise<readonly RunSummary[]> {
    return [{ run: this.#run, first: 1, head: this.#head }];
  }

  async helloContent(): Promise<{ readonly runs: readonly RunSummary[]; readonly open: readonly string[] }> {
    return { runs: await this.runs(), open: [...this.#open] };
  }

  async read(query: Parameters<CustodyJournal["read"]>[0]): Promise<readonly StoredRecord[]> {
    const found: StoredRecord[] = [];
    let sizeBytes = 0;
    if (query.run !== this.#run) return found;
    for (const row of this.#rows.values()) {
      if (!query.lanes.includes(row.lane) || !contains(query.ranges, row.seq)) continue;
      if (found.length > 0 && (found.length >= query.maxRecords || sizeBytes + row.bytes.length > query.maxBytes))
        break;
      found.push(row);
      sizeBytes += row.bytes.length;
    }
    return found;
  }

  async lacking(run: string, ranges: readonly SeqRange[]): Promise<readonly SeqRange[]> {
    if (run !== this.#run) return ranges;
    const gone: number[] = [];
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq += 1) if (!this.#rows.has(seq)) gone.push(seq);
    return rangesOfSeqs(gone);
  }

  markReceipted(run: string, ranges: readonly SeqRange[]): void {
    if (run !== this.#run) return;
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq += 1) this.#rows.delete(seq);
  }

  async hash(run: string, seq: number): Promise<Sha256 | undefined> {
    const row = run === this.#run ? this.#rows.get(seq) : undefined;
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
    for (const { lane, bytes } of this.#rows.values()) {
      laneDepth[lane as Lane] += 1;
      sizeBytes += bytes.length;
    }
    const flags = { reserveHeld: true, full: false, diskLow: false, alarmStoreFull: false };
    const oldest = this.#rows.values().next().value;
    return {
      ...{ records: this.#head, unreceipted: this.#rows.size, laneDepth, sizeBytes, runs: 1, ...flags },
      ...(oldest === undefined
        ? {}
        : { oldestUnreceipted: { isOfThisRun: true, upMs: oldest.upMs, atMs: 0, isTimeTrusted: true } }),
    };
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

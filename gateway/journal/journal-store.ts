import { recordBytes } from "../../protocol/record-encode.ts";
import type { SeqRange } from "../../protocol/session.ts";
import { type GatewayFaultPoints, killAtFaultPoint } from "../contracts/fault-points.ts";
import type { JournalStatistics, RunSummary, StoredRecord } from "../contracts/journal.ts";
import { encoded } from "./batch.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./database.ts";
import { diskFault, journalError, journalFull } from "./disk-fault.ts";
import { LaneDepth, unreceipted } from "./lane-depth.ts";
import type { BatchOutcome, EncodedRecord, EncodedWrite, JournalSettings, Stamp, Urgency } from "./messages.ts";
import { NewestHealth, newestHealth } from "./newest-health.ts";
import { RecordReader } from "./record-reader.ts";
import { Reserve } from "./reserve.ts";
import { retainRecords } from "./retention.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { deleteRecords, planShedding } from "./shedding.ts";
import { toFault } from "./thread-fault.ts";
import { WorkingTables } from "./working-tables.ts";

/** The epoch that the marks were made under. */
const EPOCH_SETTING = "custody.epoch";

/** Pages that a round of shedding aims to free. */
const SHED_PAGES = 64;
/** The log is copied into the file after so much; a kill test asks for it sooner. */
const LOG_BYTES = 4 * 1024 * 1024;
const TEST_LOG_BYTES = 32 * 1024;
/** Pause before the quota is tried again once nothing more could be shed. */
const QUOTA_RETRY_MS = 1000;

/**
 * The journal's tables, synchronous: what the worker thread runs. One run is being written; a write either commits whole
 * or leaves no trace, and only a commit uses up seqs.
 */
export class JournalStore {
  readonly #db: SqliteDatabase;
  readonly #runs: RunTable;
  readonly #current: RunState;
  readonly #settings: JournalSettings;
  readonly #reserve: Reserve;
  readonly #reader: RecordReader;
  readonly #tables: WorkingTables;
  readonly #faultPoints: GatewayFaultPoints;
  readonly #quotaPages: number;
  readonly #reservePages: number;
  readonly #laneDepth: LaneDepth;
  readonly #newestHealth: NewestHealth;
  readonly #insert;
  #isFull = false;
  #nextTryAtMs = 0;
  #walBytes = 0;
  readonly #checkpointBytes: number;

  constructor(db: SqliteDatabase, runs: RunTable, current: RunState, settings: JournalSettings) {
    this.#db = db;
    this.#runs = runs;
    this.#current = current;
    this.#settings = settings;
    this.#reader = new RecordReader(db, runs);
    this.#tables = new WorkingTables(db);
    this.#laneDepth = new LaneDepth(db, runs, current);
    this.#newestHealth = new NewestHealth(db, runs, current);
    this.#reserve = new Reserve(settings.directory, settings.reserveBytes);
    this.#faultPoints = killAtFaultPoint(settings.faultPoint);
    this.#checkpointBytes = settings.faultPoint?.name === "gateway-mid-checkpoint" ? TEST_LOG_BYTES : LOG_BYTES;
    this.#quotaPages = Math.floor(settings.quotaBytes / PAGE_BYTES);
    this.#reservePages = Math.min(Math.ceil(settings.reserveBytes / PAGE_BYTES), this.#quotaPages >> 2);
    this.#insert = db.prepare(
      "INSERT INTO record (run_no, seq, lane, kind, up_ms, at_ms, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#limitPages("grouped");
    this.#reserve.take();
  }

  /** Reading needs no transaction of its own: the thread does one thing at a time. */
  get reader(): RecordReader {
    return this.#reader;
  }

  get tables(): WorkingTables {
    return this.#tables;
  }

  /** @returns one outcome per write; those of a batch share one transaction, and its fate */
  write(writes: readonly EncodedWrite[], urgency: Urgency, stamp: Stamp): BatchOutcome {
    let seq = this.#current.head;
    const records = writes.flatMap(({ append }) => append);
    const rows = records.map((record) => this.#numbered(++seq, record));
    const refused = (error: unknown): BatchOutcome => {
      const fault = toFault(journalError(error));
      return { outcomes: writes.map(() => ({ fault })), shed: [] };
    };
    const commit = () =>
      this.#commit(rows, records, () => {
        for (const write of writes) this.#tables.apply(write);
      });
    try {
      this.#refuseWhileFull(urgency, stamp);
      commit();
    } catch (error) {
      if (diskFault(error) !== "full") return refused(error);
      const room = this.#makeRoom(urgency, stamp);
      if (room.shed.length > 0) {
        // Shedding wrote records of its own, so the seqs are taken: number the batch anew.
        const again = this.write(writes, urgency, stamp);
        return { outcomes: again.outcomes, shed: [...room.shed, ...again.shed] };
      }
      if (!room.isMade) return refused(error);
      try {
        commit();
      } catch (second) {
        return refused(second);
      } finally {
        this.#limitPages("grouped");
      }
    }
    if (urgency === "grouped" && this.#isFull) this.#isFull = !this.#reserve.take();
    let last = this.#current.head - rows.length;
    const outcomes = writes.map(({ append }) => ({ seqs: append.map(() => ++last) }));
    return { outcomes, shed: [] };
  }

  runs(): RunSummary[] {
    return [...this.#runs.all()].map(({ run, head }) => ({ run, first: 1, head })).reverse();
  }

  /** In memory at once; on the disk with the next commit, or by `flushReceipts`. */
  markReceipted(run: string, ranges: readonly SeqRange[]): void {
    const state = this.#runs.get(run);
    const added = this.#runs.mark(run, ranges);
    this.#isHeard = true;
    if (state !== undefined) this.#laneDepth.receipted(state, added);
  }

  flushReceipts(): void {
    if (!this.#runs.hasDirty || this.#isFull) return;
    this.#commit([], [], () => {});
  }

  setSetting(key: string, value: string): void {
    this.#commit([], [], () => this.#putSetting(key, value));
  }

  /** @see CustodyJournal.beginCustody */
  beginCustody(epoch: string): void {
    this.#runs.forgetReceipts();
    this.#laneDepth.forget();
    this.#commit([], [], () => this.#putSetting(EPOCH_SETTING, epoch));
  }

  #putSetting(key: string, value: string): void {
    this.#db
      .prepare("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .run(key, value);
  }

  getSetting(key: string): string | undefined {
    const value: unknown = this.#db.prepare("SELECT value FROM setting WHERE key = ?").pluck().get(key);
    return typeof value === "string" ? value : undefined;
  }

  statistics(): JournalStatistics {
    const depth = this.#laneDepth.get();
    let records = 0;
    let oldest: number | undefined;
    const atMs = this.#db
      .prepare("SELECT at_ms FROM record WHERE run_no = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1")
      .pluck();
    for (const state of this.#runs.all()) {
      records += state.head - state.deleted;
      for (const [from, to] of oldest === undefined ? unreceipted(state) : []) {
        const found: unknown = atMs.get(state.no, from, to);
        if (typeof found !== "number") continue;
        oldest = found;
        break;
      }
    }
    return {
      records,
      unreceipted: depth.reduce((sum, lane) => sum + lane, 0),
      laneDepth: [...depth],
      ...(oldest === undefined ? {} : { oldestUnreceiptedAtMs: oldest }),
      sizeBytes: Number(this.#db.pragma("page_count", { simple: true })) * PAGE_BYTES,
      freeDiskBytes: this.#reserve.freeBytes(),
      runs: this.runs().length,
      full: this.#isFull,
    };
  }

  /** The bridge has named rows to this very start: what is marked was marked under an epoch that stands. */
  #isHeard = false;

  /** The slow work of now and then: deletes what has been receipted long enough, and wins the reserve back. */
  tend(stamp: Stamp): void {
    if (!this.#isFull || this.#reserve.hasRoom()) this.#reserve.take();
    // Marks of an earlier start may be those of a bridge that has been restored since: the first word to this one tells.
    if (this.#isHeard) retainRecords(this.#db, this.#runs, this.#current, stamp, this.#settings.keepReceiptedMs);
    this.#tables.forgetOldAlarms(stamp.atMs);
  }

  /** Wanted after a few megabytes of log, so that neither the log nor the pause of a checkpoint grows. */
  get wantsCheckpoint(): boolean {
    return this.#walBytes > this.#checkpointBytes;
  }

  checkpoint(): void {
    this.#walBytes = 0;
    this.#db.pragma("wal_checkpoint(PASSIVE)");
  }

  /** The whole log goes into the file, which is then all that there is. */
  checkpointWhole(): void {
    this.#walBytes = 0;
    this.#db.pragma("wal_checkpoint(TRUNCATE)");
  }

  close(stamp: Stamp): void {
    try {
      this.#commit([], [], () => this.#runs.end(this.#current, stamp.atMs));
      this.checkpointWhole();
    } finally {
      this.#db.close();
    }
  }

  #numbered(seq: number, [lane, , upMs, , afterSeq]: EncodedRecord): StoredRecord {
    return { run: this.#current.run, seq, lane, upMs, bytes: recordBytes(seq, afterSeq) };
  }

  /** `rows` and `records` go side by side. */
  #commit(rows: readonly StoredRecord[], records: readonly EncodedRecord[], act: () => void): void {
    let written: RunState[] = [];
    let demoted = 0;
    const health = rows[newestHealth(records)];
    const no = this.#current.no;
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const [at, row] of rows.entries()) {
        const [, kind, , atMs] = records[at] ?? [];
        this.#insert.run(no, row.seq, row.lane, kind, row.upMs, atMs, row.bytes);
        this.#walBytes += row.bytes.length + 64;
      }
      if (health !== undefined) demoted = this.#newestHealth.demoteOlder();
      act();
      written = this.#runs.writeReceipts();
      this.#faultPoints.reach("gateway-before-commit");
      this.#db.exec("COMMIT");
    } catch (error) {
      // SQLite has mostly rolled back by itself; a second ROLLBACK would hide the first error.
      if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    this.#walBytes += 3 * PAGE_BYTES;
    for (const state of written) state.isDirty = false;
    this.#current.head = rows.at(-1)?.seq ?? this.#current.head;
    this.#laneDepth.committed(rows);
    this.#laneDepth.demoted(demoted);
    if (health !== undefined) this.#newestHealth.settled(health.seq);
    if (rows.length > 0) this.#faultPoints.reach("gateway-after-commit");
  }

  /** While the disk is full, only alarms are tried: anything else would eat what the reserve gave back. */
  #refuseWhileFull(urgency: Urgency, stamp: Stamp): void {
    if (!this.#isFull || urgency === "urgent") return;
    if (!this.#reserve.hasRoom()) throw journalFull(`${this.#reserve.freeBytes()} bytes are free on its disk`);
    if (stamp.upMs < this.#nextTryAtMs) throw journalFull("its quota is used up");
  }

  /** Out of quota: sheds. Out of disk: alarms get the reserve, the rest has to wait. */
  #makeRoom(urgency: Urgency, stamp: Stamp): { readonly isMade: boolean; readonly shed: readonly StoredRecord[] } {
    const isQuota = this.#reserve.hasRoom();
    let isMade = urgency === "urgent";
    let shed: readonly StoredRecord[] = [];
    if (isQuota) {
      this.#limitPages("urgent");
      const before = this.#freePages();
      try {
        shed = this.#shed(stamp);
      } catch (error) {
        if (diskFault(error) === undefined) throw error;
      }
      const freed = this.#freePages() > before;
      isMade ||= freed;
      if (freed) this.#limitPages("grouped");
      if (freed && urgency === "grouped") return { isMade, shed };
    } else if (urgency === "urgent") {
      this.#limitPages("urgent");
      this.#reserve.giveBack();
    }
    this.#isFull = true;
    this.#nextTryAtMs = isQuota ? stamp.upMs + QUOTA_RETRY_MS : 0;
    return { isMade, shed };
  }

  #shed(stamp: Stamp): StoredRecord[] {
    const written: StoredRecord[] = [];
    while (this.#freePages() < SHED_PAGES) {
      const plan = planShedding(this.#db, this.#runs, this.#current);
      if (plan === undefined) break;
      const records = plan.bodies.map((body) => encoded({ ...stamp, kind: "shed", body }));
      const rows = records.map((record, at) => this.#numbered(this.#current.head + at + 1, record));
      this.#commit(rows, records, () => {
        for (const { state, seqs } of plan.deletions) {
          deleteRecords(this.#db, state, seqs);
          this.#runs.noteDeleted(state, seqs.length, state === this.#current);
        }
      });
      written.push(...rows);
      this.#laneDepth.forget();
    }
    return written;
  }

  #freePages(): number {
    return Number(this.#db.pragma("freelist_count", { simple: true }));
  }

  #limitPages(urgency: Urgency): void {
    const pages = urgency === "urgent" ? this.#quotaPages : this.#quotaPages - this.#reservePages;
    this.#db.pragma(`max_page_count = ${pages}`);
  }
}

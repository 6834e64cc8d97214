import type { SeqRange } from "../../protocol/session.ts";
import { killAtFaultPoint } from "../contracts/fault-points.ts";
import type { JournalNews, JournalStatistics, RunSummary, StoredRecord } from "../contracts/journal.ts";
import { AlarmCap } from "./alarm-cap.ts";
import { Committer } from "./committer.ts";
import { corruptPlan } from "./corrupt-rows.ts";
import { diskFault, journalError, journalFull } from "./disk-fault.ts";
import { FillRate } from "./fill-rate.ts";
import { planMessages } from "./message-cap.ts";
import type { BatchOutcome, EncodedWrite, JournalSettings, Stamp, Urgency } from "./messages.ts";
import { RecordReader } from "./record-reader.ts";
import { planRetention } from "./retention.ts";
import { Room } from "./room.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { planShedding } from "./shedding.ts";
import type { SheddingPlan } from "./shedding-plan.ts";
import { ALARM_SHELVES, MESSAGE_SHELVES, SHELVES } from "./shelf.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./sqlite.ts";
import { Thinning } from "./thinning.ts";
import { toFault } from "./thread-fault.ts";
import { WorkingTables } from "./working-tables.ts";

/** The epoch that the marks were made under. */
const EPOCH_SETTING = "custody.epoch";
const ALARMS_FULL_SETTING = "alarms.full";

/** Pages that a round of shedding aims to free. */
const SHED_PAGES = 64;
/** The log is copied into the file after so much; a kill test asks for it sooner. */
const LOG_BYTES = 4 * 1024 * 1024;
const TEST_LOG_BYTES = 32 * 1024;
/** Shares of the quota. */
const ALARM_SHARE = 1 / 4;
const MESSAGE_SHARE = 1 / 16;
/** A share that was reached is brought down to this part of it, and an alarm store counts as full until half of it is free. */
const TRIM_TO = 0.9;
const NO_LONGER_FULL = 0.5;
const ROUNDS_A_TRIM = 20;
/** Where every alarm is open, nothing can go: it is looked for again after so many records. */
const SEQS_BETWEEN_VAIN_TRIMS = 200;

/**
 * The journal's tables, synchronous: what the worker thread runs. One run is being written; a write either commits whole
 * or leaves no trace, and only a commit uses up seqs.
 */
export class JournalStore {
  readonly #db: SqliteDatabase;
  readonly #runs: RunTable;
  readonly #current: RunState;
  readonly #settings: JournalSettings;
  readonly #room: Room;
  readonly #reader: RecordReader;
  readonly #tables: WorkingTables;
  readonly #committer: Committer;
  readonly #thinning: Thinning;
  readonly #alarmCap: AlarmCap;
  readonly #fillRate = new FillRate();
  readonly #checkpointBytes: number;
  #isAlarmStoreFull: boolean;
  #newest: Stamp;
  #noTrimBefore = 0;
  #news: JournalNews[] = [];

  constructor(db: SqliteDatabase, runs: RunTable, current: RunState, settings: JournalSettings) {
    this.#db = db;
    this.#runs = runs;
    this.#current = current;
    this.#settings = settings;
    this.#newest = settings.stamp;
    this.#reader = new RecordReader(db, runs);
    this.#tables = new WorkingTables(db);
    this.#committer = new Committer(db, runs, current, this.#reader, killAtFaultPoint(settings.faultPoint));
    this.#thinning = new Thinning(db, runs, this.#committer.tally);
    this.#alarmCap = new AlarmCap(db, runs);
    this.#checkpointBytes = settings.faultPoint?.name === "gateway-mid-checkpoint" ? TEST_LOG_BYTES : LOG_BYTES;
    this.#room = new Room(db, settings);
    this.#isAlarmStoreFull = this.getSetting(ALARMS_FULL_SETTING) === "yes";
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
    this.#newest = stamp;
    this.#room.look(stamp);
    const records = writes.flatMap(({ append }) => append);
    const shed: StoredRecord[] = [];
    const refused = (error: unknown): BatchOutcome => {
      const fault = toFault(journalError(error));
      return { outcomes: writes.map(() => ({ fault })), shed };
    };
    const commit = () =>
      this.#committer.commit(records, () => {
        for (const write of writes) this.#tables.apply(write);
      });
    const sizeBytes = records.reduce((sum, record) => sum + record[4].length, 0);
    try {
      this.#room.refuseWhileFull(urgency, stamp);
      if (this.#room.isShort(sizeBytes, urgency)) this.#makeRoom(sizeBytes, urgency, stamp, shed);
      commit();
    } catch (error) {
      if (diskFault(error) !== "full") return refused(error);
      // The disk itself, then: what the quota allows was seen to before.
      if (!this.#giveReserve(urgency, stamp)) return refused(error);
      try {
        commit();
      } catch (second) {
        return refused(second);
      }
    } finally {
      this.#room.limit("grouped");
    }
    if (urgency === "grouped") this.#room.passed();
    for (const [, , , , afterSeq] of records) this.#fillRate.note(stamp.upMs, afterSeq.length);
    let last = this.#current.head - records.length;
    const outcomes = writes.map(({ append }) => ({ seqs: append.map(() => ++last) }));
    return { outcomes, shed };
  }

  runs(): RunSummary[] {
    return [...this.#runs.all()].map(({ run, head }) => ({ run, first: 1, head })).reverse();
  }

  /** In memory at once; on the disk with the next commit, or by `flushReceipts`. */
  markReceipted(run: string, ranges: readonly SeqRange[]): void {
    const state = this.#runs.get(run);
    const added = this.#runs.mark(run, ranges);
    this.#isHeard = true;
    if (state !== undefined) this.#committer.rows.receipted(state, added);
  }

  flushReceipts(): void {
    if (!this.#runs.hasDirty || this.#room.isFull) return;
    this.#committer.commit([]);
  }

  setSetting(key: string, value: string): void {
    this.#committer.commit([], () => this.#putSetting(key, value));
  }

  /** @see CustodyJournal.beginCustody */
  beginCustody(epoch: string): void {
    this.#runs.forgetReceipts();
    this.#committer.tally.forgetReceipts();
    this.#committer.commit([], () => this.#putSetting(EPOCH_SETTING, epoch));
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
    const { tally } = this.#committer;
    const laneDepth = tally.laneDepth(this.#current);
    const oldest = this.#reader.oldestUnreceipted(this.#current.no);
    const all = tally.sum(SHELVES);
    const spare = tally.sum(SHELVES.filter((shelf) => shelf >= 10));
    const roomBytes = this.#room.freeBytes() + spare.bytes - spare.unsentBytes;
    const hoursToFull = this.#fillRate.hoursToFull(this.#newest.upMs, roomBytes);
    return {
      records: all.rows,
      unreceipted: laneDepth.reduce((sum, lane) => sum + lane, 0),
      laneDepth,
      ...(oldest === undefined ? {} : { oldestUnreceipted: oldest }),
      ...(hoursToFull === undefined ? {} : { hoursToFull }),
      sizeBytes: Number(this.#db.pragma("page_count", { simple: true })) * PAGE_BYTES,
      freeDiskBytes: this.#room.reserve.freeBytes(),
      reserveHeld: this.#room.reserve.isHeld,
      runs: this.#runs.count,
      full: this.#room.isFull,
      diskLow: this.#room.isFrozen,
      alarmStoreFull: this.#isAlarmStoreFull,
    };
  }

  /** The bridge has named rows to this very start: what is marked was marked under an epoch that stands. */
  #isHeard = false;

  /** The slow work of now and then: deletes what has been receipted long enough, and wins the reserve back. */
  tend(stamp: Stamp): void {
    this.#newest = stamp;
    this.#room.look(stamp);
    this.#room.tend();
    const { tally, rows } = this.#committer;
    const here = { db: this.#db, runs: this.#runs, current: this.#current, tally };
    // Marks of an earlier start may be those of a bridge that has been restored since: the first word to this one tells.
    const retention = this.#isHeard ? planRetention(here, stamp, this.#settings.keepReceiptedMs) : undefined;
    if (retention !== undefined) {
      this.#committer.commit([], () => {
        for (const deletion of retention.deletions) rows.delete(deletion, deletion.state === this.#current);
        for (const state of retention.forgotten) {
          tally.forgetRun(state);
          this.#runs.forget(state);
        }
      });
    }
    this.#tables.forgetOldAlarms(stamp.atMs);
    this.#unlatch();
  }

  /** Wanted after a commit that brought alarms or messages above their share, or met a row that is damaged. */
  get wantsTrim(): boolean {
    if (!this.#isOver(ALARM_SHELVES, ALARM_SHARE) && !this.#isOver(MESSAGE_SHELVES, MESSAGE_SHARE)) return false;
    return this.#current.head >= this.#noTrimBefore;
  }

  /** @returns what it wrote; it may be wanted again */
  trim(): readonly StoredRecord[] {
    const written: StoredRecord[] = [];
    if (this.#isOver(ALARM_SHELVES, ALARM_SHARE)) {
      this.#latch();
      const target = ALARM_SHARE * TRIM_TO;
      this.#giveUpWhile(written, () => this.#isOver(ALARM_SHELVES, target) && this.#alarmCap.plan(this.#newest));
    }
    if (this.#isOver(MESSAGE_SHELVES, MESSAGE_SHARE)) {
      const target = MESSAGE_SHARE * TRIM_TO;
      const { tally } = this.#committer;
      this.#giveUpWhile(
        written,
        () => this.#isOver(MESSAGE_SHELVES, target) && planMessages(this.#db, this.#runs, tally),
      );
    }
    return written;
  }

  /** Rows that a read found damaged are put aside and declared. @returns what it wrote */
  declareCorrupt(): readonly StoredRecord[] {
    const rows = this.#reader.takeCorrupt();
    if (rows.length === 0) return [];
    const { deletions, bodies, note } = corruptPlan(this.#db, rows);
    const written = this.#committer.declare(deletions, bodies, this.#newest, note);
    for (const { state, seq } of rows) {
      const message = `run ${state.run} seq ${seq}: its bytes cannot be read any more, which is declared`;
      this.#news.push({ code: "JOURNAL_ROW", message });
    }
    return written;
  }

  takeNews(): readonly JournalNews[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  /** Wanted after a few megabytes of log, so that neither the log nor the pause of a checkpoint grows. */
  get wantsCheckpoint(): boolean {
    return this.#committer.logBytes > this.#checkpointBytes;
  }

  checkpoint(): void {
    this.#committer.logBytes = 0;
    this.#db.pragma("wal_checkpoint(PASSIVE)");
  }

  /** The whole log goes into the file, which is then all that there is. */
  checkpointWhole(): void {
    this.#committer.logBytes = 0;
    this.#db.pragma("wal_checkpoint(TRUNCATE)");
  }

  close(stamp: Stamp): void {
    try {
      this.#committer.commit([], () => this.#runs.end(this.#current, stamp.atMs));
      this.checkpointWhole();
    } finally {
      this.#db.close();
    }
  }

  /** @throws GatewayError JOURNAL_FULL when nothing more may go, and this is no alarm */
  #makeRoom(sizeBytes: number, urgency: Urgency, stamp: Stamp, shed: StoredRecord[]): void {
    this.#room.limit("urgent");
    this.#shed(urgency, stamp, shed);
    if (!this.#room.isShort(sizeBytes, urgency)) return;
    this.#room.filled(stamp, true);
    if (urgency === "grouped")
      throw journalFull(this.#room.isFrozen ? "its disk is nearly full" : "its quota is used up");
  }

  /** The disk is full: alarms get the reserve, the rest has to wait. @returns whether it is worth another try */
  #giveReserve(urgency: Urgency, stamp: Stamp): boolean {
    const isQuota = this.#room.reserve.hasRoom();
    this.#room.filled(stamp, isQuota);
    if (urgency !== "urgent") return false;
    this.#room.limit("urgent");
    if (!isQuota) this.#room.reserve.giveBack();
    return true;
  }

  #shed(urgency: Urgency, stamp: Stamp, shed: StoredRecord[]): void {
    const shedder = {
      ...{ db: this.#db, runs: this.#runs, current: this.#current },
      ...{ tally: this.#committer.tally, thinning: this.#thinning, keepReceiptedMs: this.#settings.keepReceiptedMs },
    };
    while (this.#room.availablePages() < this.#room.reservePages + SHED_PAGES) {
      let plan = planShedding(shedder, stamp);
      // Nothing else is left: an alarm that comes now is worth more than ones that ended.
      if (plan === undefined && urgency === "urgent") plan = this.#alarmCap.plan(stamp);
      if (plan === undefined) break;
      shed.push(...this.#committer.giveUp(plan, stamp));
    }
  }

  #giveUpWhile(written: StoredRecord[], next: () => SheddingPlan | undefined | false): void {
    this.#room.limit("urgent");
    try {
      for (let round = 0; round < ROUNDS_A_TRIM; round += 1) {
        const plan = next();
        if (plan === undefined) this.#noTrimBefore = this.#current.head + SEQS_BETWEEN_VAIN_TRIMS;
        if (plan === undefined || plan === false) return;
        written.push(...this.#committer.giveUp(plan, this.#newest));
      }
    } finally {
      this.#room.limit("grouped");
    }
  }

  #isOver(shelves: Parameters<Committer["tally"]["sum"]>[0], share: number): boolean {
    return this.#committer.tally.sum(shelves).bytes > this.#settings.quotaBytes * share;
  }

  #latch(): void {
    if (this.#isAlarmStoreFull) return;
    this.#isAlarmStoreFull = true;
    this.setSetting(ALARMS_FULL_SETTING, "yes");
    const message =
      "alarms have filled their share: each stays as its newest revision, the oldest ended ones are counted";
    this.#news.push({ code: "ALARM_STORE_FULL", message });
  }

  #unlatch(): void {
    if (!this.#isAlarmStoreFull || this.#isOver(ALARM_SHELVES, ALARM_SHARE * NO_LONGER_FULL)) return;
    this.#isAlarmStoreFull = false;
    this.setSetting(ALARMS_FULL_SETTING, "no");
  }
}

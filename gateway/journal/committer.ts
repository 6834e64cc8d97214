import type { BodyOf, NewRecord } from "../../protocol/record.ts";
import { recordBytes } from "../../protocol/record-encode.ts";
import type { GatewayFaultPoints } from "../contracts/fault-points.ts";
import type { StoredRecord } from "../contracts/journal.ts";
import { encoded } from "./batch.ts";
import type { EncodedRecord, Stamp } from "./messages.ts";
import { NewestHealth, newestHealth } from "./newest-health.ts";
import type { RecordReader } from "./record-reader.ts";
import { type Deletion, RecordRows } from "./record-rows.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { lostBy, ShedLedger } from "./shed-ledger.ts";
import type { SheddingPlan } from "./shedding-plan.ts";
import { laneOfShelf } from "./shelf.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./sqlite.ts";
import { StoryRows } from "./story-rows.ts";
import { Tally } from "./tally.ts";

/** Of one row in the file, beside its bytes; only for knowing how much is written. */
const ROW_BYTES = 64;

/**
 * The one way into the file: a transaction commits whole, and then memory follows it, or leaves no trace in either. Only a
 * commit uses up seqs. What goes without a receipt is declared in the transaction that deletes it.
 */
export class Committer {
  readonly tally: Tally;
  readonly rows: RecordRows;
  readonly #db: SqliteDatabase;
  readonly #runs: RunTable;
  readonly #current: RunState;
  readonly #faultPoints: GatewayFaultPoints;
  readonly #newestHealth: NewestHealth;
  readonly #sheds: ShedLedger;
  /** Written to the log since it was last copied into the file, about. */
  logBytes = 0;

  constructor(
    db: SqliteDatabase,
    runs: RunTable,
    current: RunState,
    reader: RecordReader,
    faultPoints: GatewayFaultPoints,
  ) {
    this.#db = db;
    this.#runs = runs;
    this.#current = current;
    this.#faultPoints = faultPoints;
    this.tally = new Tally(db);
    this.rows = new RecordRows(db, runs, this.tally, new StoryRows(db));
    this.#newestHealth = new NewestHealth(db, runs, this.tally);
    this.#sheds = new ShedLedger(runs, () => reader.shedRows());
  }

  /** @returns the rows that were written, numbered in the order of `records` */
  commit(records: readonly EncodedRecord[], act: () => void = () => {}): readonly StoredRecord[] {
    const { run, head } = this.#current;
    const rows = records.map(([shelf, , upMs, , afterSeq], at): StoredRecord => {
      const seq = head + at + 1;
      return { run, seq, lane: laneOfShelf(shelf), upMs, bytes: recordBytes(seq, afterSeq) };
    });
    const hasHealth = newestHealth(records) >= 0;
    let written: RunState[] = [];
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      // First what goes: its pages take what comes, where no other is left.
      act();
      if (hasHealth) this.#newestHealth.overtake();
      for (const [at, { seq, upMs, bytes }] of rows.entries()) {
        const record = records[at];
        if (record === undefined) continue;
        const [shelf, kind, , atMs, , story] = record;
        this.rows.insert(this.#current, { seq, shelf, kind, upMs, atMs, bytes, story });
      }
      written = this.#runs.writeReceipts();
      this.tally.write();
      this.#faultPoints.reach("gateway-before-commit");
      this.#db.exec("COMMIT");
    } catch (error) {
      // SQLite has mostly rolled back by itself; a second ROLLBACK would hide the first error.
      if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
      this.tally.discard();
      this.#runs.settled(false);
      throw error;
    }
    this.logBytes += rows.reduce((sum, { bytes }) => sum + bytes.length + ROW_BYTES, 3 * PAGE_BYTES);
    this.tally.settled();
    this.#runs.settled(true);
    for (const state of written) state.isDirty = false;
    this.#current.head = head + rows.length;
    this.#noteSheds(records, rows);
    if (rows.length > 0) this.#faultPoints.reach("gateway-after-commit");
    return rows;
  }

  /** Deletes what the plan names, writes what it writes instead, and declares what was never sent. */
  giveUp(plan: SheddingPlan, stamp: Stamp): readonly StoredRecord[] {
    const { bodies, absorbed } = this.#sheds.declare(lostBy(plan.deletions), "quota");
    const sheds = bodies.map((body): NewRecord => ({ ...stamp, kind: "shed", body }));
    const rows = this.commit([...plan.append, ...sheds].map(encoded), () => {
      this.#delete([...plan.deletions, ...absorbed]);
      plan.note?.();
    });
    this.#sheds.absorbed(absorbed);
    return rows;
  }

  /** Deletes with a declaration of another kind, which no later one takes up. */
  declare(deletions: readonly Deletion[], bodies: readonly BodyOf<"shed">[], stamp: Stamp, note: () => void) {
    const records = bodies.map((body): NewRecord => ({ ...stamp, kind: "shed", body }));
    return this.commit(records.map(encoded), () => {
      note();
      this.#delete(deletions);
    });
  }

  #delete(deletions: readonly Deletion[]): void {
    for (const deletion of deletions) this.rows.delete(deletion, deletion.state === this.#current);
  }

  #noteSheds(records: readonly EncodedRecord[], rows: readonly StoredRecord[]): void {
    for (const [at, record] of records.entries()) {
      const seq = rows[at]?.seq;
      if (record[1] !== "shed" || seq === undefined) continue;
      const { body } = JSON.parse(`{"seq":0${record[4]}`) as { body: BodyOf<"shed"> };
      this.#sheds.committed(this.#current, seq, body);
    }
  }
}

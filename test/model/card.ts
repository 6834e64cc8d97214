import type { StoredRecord } from "../../gateway/contracts/journal.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import type { ShedBody } from "../../protocol/bodies.ts";
import { contains, NO_RANGES, type Ranges, rangesOfSeqs, seqsOf, subtract, union } from "../../protocol/ranges.ts";
import { laneOf, type NewRecord } from "../../protocol/record.ts";
import { encodeRecord } from "../../protocol/record-codec.ts";

export interface CardRow extends StoredRecord {
  readonly record: NewRecord;
  /** The card spoiled these bytes: nobody can read them, not even their number. */
  readonly isSpoiled: boolean;
}

export interface CardRun {
  readonly run: string;
  head: number;
  readonly rows: Map<number, CardRow>;
}

/** A node's memory card: all that outlives a crash. Writing to it is one fsync'ed commit. */
export class Card {
  /** Oldest first. */
  readonly runs: CardRun[] = [];
  readonly openAlarms = new Map<string, AlarmBody>();
  /** Alarms that have cleared, by key, newest: raised again soon they keep their id. */
  readonly recentAlarms = new Map<string, AlarmBody>();
  bridge: string | undefined;
  epoch: string | undefined;
  #marks = new Map<string, Ranges>();
  /** By run, the last seq that is older than `keepReceipted`. */
  #old = new Map<string, number>();
  /** Everything that was ever committed here: what the bridge is measured by. */
  readonly everCommitted: CardRow[] = [];

  begin(run: string): CardRun {
    const found = this.runs.find((known) => known.run === run);
    if (found !== undefined) return found;
    const begun = { run, head: 0, rows: new Map<number, CardRow>() };
    this.runs.push(begun);
    return begun;
  }

  /** As in the gateway's journal, lane 1 holds the newest health alone. */
  #newestHealth: { readonly run: CardRun; readonly row: CardRow } | undefined;

  append(run: CardRun, records: readonly NewRecord[], isSpoiled = false): readonly CardRow[] {
    return records.map((record) => {
      run.head += 1;
      const bytes = isSpoiled ? Buffer.from(`spoiled ${run.head}`) : encodeRecord(run.head, record);
      const row = { run: run.run, seq: run.head, lane: laneOf(record), upMs: record.upMs, bytes, record, isSpoiled };
      run.rows.set(row.seq, row);
      if (record.kind === "health") this.#overtakeHealth(run, row);
      this.everCommitted.push(row);
      return row;
    });
  }

  #overtakeHealth(run: CardRun, row: CardRow): void {
    const older = this.#newestHealth;
    if (older !== undefined && older.run.rows.get(older.row.seq) === older.row) {
      older.run.rows.set(older.row.seq, { ...older.row, lane: 4 });
    }
    this.#newestHealth = { run, row };
  }

  lacking(run: string, ranges: Ranges): Ranges {
    const held = this.runs.find((known) => known.run === run)?.rows;
    return subtract(ranges, rangesOfSeqs(held?.keys() ?? []));
  }

  mark(run: string, ranges: Ranges): void {
    this.#marks.set(run, union(this.#marks.get(run) ?? NO_RANGES, ranges));
  }

  marked(run: string): Ranges {
    return this.#marks.get(run) ?? NO_RANGES;
  }

  beginCustody(epoch: string): void {
    this.epoch = epoch;
    this.#marks = new Map();
  }

  unreceiptedSheds(): readonly ShedBody[] {
    return this.runs.flatMap(({ run, rows }) =>
      [...rows.values()].flatMap(({ seq, record }) =>
        record.kind === "shed" && !contains(this.marked(run), seq) ? [record.body] : [],
      ),
    );
  }

  /** A month goes by: what lies here is older than `keepReceipted`. */
  growOld(): void {
    this.#old = new Map(this.runs.map(({ run, head }) => [run, head]));
  }

  /** Old rows that have their receipt go, of whichever lane, and runs that hold nothing any more but the one being written. */
  retain(current: CardRun | undefined): void {
    for (const { run, rows } of this.runs) {
      const old = this.#old.get(run) ?? 0;
      for (const seq of seqsOf(this.marked(run))) if (seq <= old) rows.delete(seq);
    }
    const gone = this.runs.filter(
      (run) => run !== current && run.rows.size === 0 && run.head <= (this.#old.get(run.run) ?? 0),
    );
    for (const run of gone) this.runs.splice(this.runs.indexOf(run), 1);
  }

  /** The same bits in another box. */
  clone(): Card {
    const copy = new Card();
    for (const { run, head, rows } of this.runs) copy.runs.push({ run, head, rows: new Map(rows) });
    for (const [alarmId, body] of this.openAlarms) copy.openAlarms.set(alarmId, body);
    for (const [rule, body] of this.recentAlarms) copy.recentAlarms.set(rule, body);
    copy.bridge = this.bridge;
    copy.epoch = this.epoch;
    copy.#marks = new Map(this.#marks);
    copy.#old = new Map(this.#old);
    return copy;
  }

  /** Receipted rows of lane 2 make room, without a word. */
  expire(): void {
    for (const { run, rows } of this.runs) {
      for (const seq of seqsOf(this.marked(run))) if (rows.get(seq)?.lane === 2) rows.delete(seq);
    }
  }

  /** Rows of lane 2 that have no receipt, oldest first: giving them up must be declared in the same commit. */
  givable(limit: number): readonly CardRow[] {
    return this.runs
      .flatMap(({ run, rows }) => [...rows.values()].filter(({ seq }) => !contains(this.marked(run), seq)))
      .filter(({ lane, isSpoiled }) => lane === 2 && !isSpoiled)
      .slice(0, limit);
  }
}

import { hash } from "node:crypto";
import type { ShedBody } from "../../protocol/bodies.ts";
import { type Ranges, rangesFrom, rangesOfSeqs, subtract } from "../../protocol/ranges.ts";
import type { SeqRange } from "../../protocol/session.ts";
import type { OldestRecord, StoredRecord } from "../contracts/journal.ts";
import type { ReadQuery } from "./messages.ts";
import { type RunState, type RunTable, unreceipted } from "./run-table.ts";
import { laneOfShelf, MESSAGE_SHELVES, SHELF, SHELVES, type Shelf, shelvesOf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { crcOf, recordOf } from "./stored-record.ts";

interface OldestRow {
  readonly seq: number;
  readonly up_ms: number;
  readonly at_ms: number;
  readonly bytes: Uint8Array;
}

/** A row whose bytes are not those that were written. */
export interface CorruptRow {
  readonly state: RunState;
  readonly seq: number;
  readonly shelf: Shelf;
}

/** The questions that the uplink asks of the committed rows. A row that is damaged is never answered with. */
export class RecordReader {
  readonly #db: SqliteDatabase;
  readonly #runs: RunTable;
  readonly #selects = new Map<string, ReturnType<RecordReader["prepareSelect"]>>();
  #corrupt: CorruptRow[] = [];

  constructor(db: SqliteDatabase, runs: RunTable) {
    this.#db = db;
    this.#runs = runs;
  }

  read(query: ReadQuery): StoredRecord[] {
    const state = this.#runs.get(query.run);
    const select = this.#select(query.kind === "evidence" ? [SHELF.evidence] : shelvesOf(query.lanes));
    if (state === undefined || select === undefined) return [];
    const wanted = rangesFrom(query.ranges.map(([from, to]) => [from, Math.min(to, state.head)]));
    const open = query.includeReceipted === true ? wanted : subtract(wanted, state.receipted);
    const rows: StoredRecord[] = [];
    let bytes = 0;
    for (const [from, to] of open) {
      for (const row of select.iterate({ no: state.no, from, to }) as Iterable<RecordRow>) {
        if (this.#isDamaged(state, row)) continue;
        if (rows.length > 0 && bytes + row.bytes.length > query.maxBytes) return rows;
        const { seq, shelf, up_ms } = row;
        rows.push({ run: state.run, seq, lane: laneOfShelf(shelf), upMs: up_ms, bytes: row.bytes });
        bytes += row.bytes.length;
        if (rows.length >= query.maxRecords || bytes >= query.maxBytes) return rows;
      }
    }
    return rows;
  }

  lacking(run: string, ranges: readonly SeqRange[]): Ranges {
    const wanted = rangesFrom(ranges);
    const state = this.#runs.get(run);
    if (state === undefined) return wanted;
    const held: SeqRange[] = [];
    const shelves = `shelf IN (${SHELVES.join(",")})`;
    const where = `FROM record WHERE run_no = ? AND ${shelves} AND seq BETWEEN ? AND ?`;
    const count = this.#db.prepare(`SELECT count(*) ${where}`).pluck();
    const seqs = this.#db.prepare(`SELECT seq ${where}`).pluck();
    for (const [from, to] of wanted) {
      if (state.deleted === 0 && to <= state.head) held.push([from, to]);
      else if (Number(count.get(state.no, from, to)) === to - from + 1) held.push([from, to]);
      else held.push(...rangesOfSeqs(seqs.all(state.no, from, to) as number[]));
    }
    return subtract(wanted, rangesFrom(held));
  }

  hash(run: string, seq: number): string | undefined {
    const state = this.#runs.get(run);
    const select = this.#select(SHELVES);
    if (state === undefined || select === undefined) return undefined;
    const row = select.get({ no: state.no, from: seq, to: seq }) as RecordRow | undefined;
    if (row === undefined || this.#isDamaged(state, row)) return undefined;
    return hash("sha256", row.bytes, "hex");
  }

  /** Every `shed` without a receipt, with its place, oldest run first. */
  *shedRows(): Generator<{ readonly state: RunState; readonly seq: number; readonly body: ShedBody }> {
    const select = this.#db.prepare(
      `SELECT seq, shelf, up_ms, crc, bytes FROM record
       WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ? AND kind = 'shed' ORDER BY seq`,
    );
    for (const state of this.#runs.all()) {
      for (const [from, to] of unreceipted(state)) {
        for (const shelf of [SHELF.urgent, SHELF.shed]) {
          for (const row of select.all(state.no, shelf, from, to) as RecordRow[]) {
            const record = this.#isDamaged(state, row) ? undefined : recordOf(row.bytes);
            if (record?.kind === "shed") yield { state, seq: row.seq, body: record.body };
          }
        }
      }
    }
  }

  /** Of the oldest run that has any; undefined where all has a receipt. */
  oldestUnreceipted(currentNo: number): OldestRecord | undefined {
    const first = this.#db.prepare(
      "SELECT seq, up_ms, at_ms, bytes FROM record WHERE run_no = ? AND shelf = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1",
    );
    for (const state of this.#runs.all()) {
      for (const [from, to] of unreceipted(state)) {
        let oldest: OldestRow | undefined;
        for (const shelf of SHELVES) {
          const row = first.get(state.no, shelf, from, to) as OldestRow | undefined;
          if (row !== undefined && (oldest === undefined || row.seq < oldest.seq)) oldest = row;
        }
        if (oldest === undefined) continue;
        return {
          isOfThisRun: state.no === currentNo,
          upMs: oldest.up_ms,
          atMs: oldest.at_ms,
          isTimeTrusted: !["none", undefined].includes(recordOf(oldest.bytes)?.timeQuality),
        };
      }
    }
    return undefined;
  }

  /** What was met since the last call. */
  takeCorrupt(): readonly CorruptRow[] {
    const found = this.#corrupt;
    this.#corrupt = [];
    return found;
  }

  #isDamaged(state: RunState, { seq, shelf, crc, bytes }: RecordRow): boolean {
    if (crcOf(bytes) === crc) return false;
    this.#corrupt.push({ state, seq, shelf });
    return true;
  }

  /** One ordered walk over all shelves of the lanes, which SQLite merges row by row. */
  #select(shelves: readonly Shelf[]) {
    if (shelves.length === 0) return undefined;
    const key = shelves.join(",");
    const select = this.#selects.get(key) ?? this.prepareSelect(shelves);
    this.#selects.set(key, select);
    return select;
  }

  prepareSelect(shelves: readonly Shelf[]) {
    const parts = shelves.map(
      (shelf) => `SELECT seq, shelf, up_ms, crc, bytes FROM record
        WHERE run_no = @no AND shelf = ${shelf} AND seq BETWEEN @from AND @to`,
    );
    return this.#db.prepare(`${parts.join(" UNION ALL ")} ORDER BY seq`);
  }
}

/** Of what kind a damaged row was, as far as its place tells: enough to know whether it may have been an alarm. */
export function kindOfShelf(shelf: Shelf): string | undefined {
  if (shelf === SHELF.alarm) return "alarm";
  return MESSAGE_SHELVES.includes(shelf) ? "message" : undefined;
}

interface RecordRow {
  readonly seq: number;
  readonly shelf: Shelf;
  readonly up_ms: number;
  readonly crc: number;
  readonly bytes: Uint8Array;
}

import { hash } from "node:crypto";
import type { ShedBody } from "../../protocol/bodies.ts";
import { type Ranges, rangesFrom, rangesOfSeqs, subtract } from "../../protocol/ranges.ts";
import type { SeqRange } from "../../protocol/session.ts";
import type { StoredRecord } from "../contracts/journal.ts";
import type { SqliteDatabase } from "./database.ts";
import { LANES, unreceipted } from "./lane-depth.ts";
import type { ReadQuery } from "./messages.ts";
import type { RunTable } from "./run-table.ts";

/** The questions that the uplink asks of the committed rows. */
export class RecordReader {
  readonly #db: SqliteDatabase;
  readonly #runs: RunTable;

  constructor(db: SqliteDatabase, runs: RunTable) {
    this.#db = db;
    this.#runs = runs;
  }

  read(query: ReadQuery): StoredRecord[] {
    const state = this.#runs.get(query.run);
    if (state === undefined) return [];
    const wanted = rangesFrom(query.ranges.map(([from, to]) => [from, Math.min(to, state.head)]));
    const open = query.includeReceipted === true ? wanted : subtract(wanted, state.receipted);
    const rows: StoredRecord[] = [];
    let bytes = 0;
    const lanes = query.lanes.filter((lane) => LANES.includes(lane));
    const select = this.#db.prepare(
      `SELECT seq, lane, up_ms, bytes FROM record WHERE run_no = ? AND seq BETWEEN ? AND ? ${
        lanes.length === LANES.length ? "" : `AND lane IN (${lanes.join(",")})`
      } ORDER BY seq`,
    );
    for (const [from, to] of open) {
      for (const row of select.iterate(state.no, from, to) as Iterable<RecordRow>) {
        if (rows.length > 0 && bytes + row.bytes.length > query.maxBytes) return rows;
        rows.push(storedRecord(state.run, row));
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
    const count = this.#db.prepare("SELECT count(*) FROM record WHERE run_no = ? AND seq BETWEEN ? AND ?").pluck();
    const seqs = this.#db
      .prepare("SELECT seq FROM record WHERE run_no = ? AND seq BETWEEN ? AND ? ORDER BY seq")
      .pluck();
    for (const [from, to] of wanted) {
      if (state.deleted === 0 && to <= state.head) held.push([from, to]);
      else if (Number(count.get(state.no, from, to)) === to - from + 1) held.push([from, to]);
      else held.push(...rangesOfSeqs(seqs.all(state.no, from, to) as number[]));
    }
    return subtract(wanted, rangesFrom(held));
  }

  hash(run: string, seq: number): string | undefined {
    const state = this.#runs.get(run);
    if (state === undefined) return undefined;
    const bytes: unknown = this.#db
      .prepare("SELECT bytes FROM record WHERE run_no = ? AND seq = ?")
      .pluck()
      .get(state.no, seq);
    return bytes instanceof Uint8Array ? hash("sha256", bytes, "hex") : undefined;
  }

  unreceiptedSheds(): ShedBody[] {
    const select = this.#db
      .prepare(
        "SELECT bytes FROM record WHERE run_no = ? AND lane IN (0, 1) AND seq BETWEEN ? AND ? AND kind = 'shed' ORDER BY seq",
      )
      .pluck();
    const bodies: ShedBody[] = [];
    for (const state of this.#runs.all()) {
      for (const [from, to] of unreceipted(state)) {
        for (const bytes of select.all(state.no, from, to) as Uint8Array[]) {
          bodies.push(JSON.parse(Buffer.from(bytes).toString("utf8")).body as ShedBody);
        }
      }
    }
    return bodies;
  }
}

interface RecordRow {
  readonly seq: number;
  readonly lane: number;
  readonly up_ms: number;
  readonly bytes: Uint8Array;
}

function storedRecord(run: string, row: RecordRow): StoredRecord {
  return { run, seq: row.seq, lane: LANES[row.lane] ?? 2, upMs: row.up_ms, bytes: row.bytes };
}

import { CompiledQuery } from "kysely";
import type { Trx } from "../store/database.ts";
import { isPostgres, placeholders } from "../store/dialect.ts";
import { markedMs } from "../store/time-marks.ts";
import type { LedgerRow } from "./ledger-rows.ts";
import type { Accepted } from "./take-envelope.ts";

const COLUMNS = 14;
/** Rows in one statement: few sizes, so that each is prepared once. */
const CHUNKS = [64, 8, 1];
/** From so many on, one statement over arrays is cheaper on PostgreSQL. */
const SET_FROM = 8;

export interface InboxRow {
  readonly row: LedgerRow;
  readonly item: Accepted;
  /** Absent: the record's own run and stamp. */
  readonly placed?: Placed;
}

/** Of minutes that stand for records of another run: what places them in that run's time. */
export interface Placed {
  readonly row: LedgerRow;
  readonly record: { readonly seq: number; readonly upMs: number; readonly atMs: number; readonly timeQuality: string };
}

/** UTC of a record by its run's `time` records, else by its own stamp where its clock was set; null: nobody knows. */
export function correctedOf(
  row: LedgerRow,
  record: { seq: number; upMs: number; atMs: number; timeQuality: string },
): number | null {
  return markedMs(row.marks, record) ?? (record.timeQuality === "none" ? null : record.atMs);
}

/** Written as SQL text that stays the same, since building a query of a thousand values costs more than running it. */
export async function insertInbox(trx: Trx, rows: readonly InboxRow[], nowMs: number): Promise<void> {
  if (isPostgres(trx) && rows.length > SET_FROM) return insertSet(trx, rows, nowMs);
  let at = 0;
  for (const size of CHUNKS) {
    for (; rows.length - at >= size; at += size) await insert(trx, rows.slice(at, at + size), nowMs);
  }
}

/**
 * All rows in one statement, a column an array: the server parses 16 parameters and not 14 a row, and one round trip replaces
 * one for each 64 rows. The records' bytes go as one value, which travels as it is; in an array each would be hexadecimal text.
 */
async function insertSet(trx: Trx, rows: readonly InboxRow[], nowMs: number): Promise<void> {
  const lengths = rows.map(({ item }) => item.bytes.length);
  let at = 1;
  const starts = lengths.map((length) => {
    at += length;
    return at - length;
  });
  const parameters = [
    rows.map(({ row }) => row.node),
    rows.map(({ row }) => row.run),
    rows.map(({ item }) => item.decoded.record.seq),
    nowMs,
    rows.map(({ item }) => item.decoded.record.kind),
    rows.map(({ item }) => item.decoded.record.device ?? null),
    rows.map(({ item }) => item.decoded.record.subject?.type ?? null),
    rows.map(({ item }) => item.decoded.record.subject?.id ?? null),
    rows.map(({ item }) => item.decoded.record.upMs),
    rows.map(({ item }) => item.decoded.record.atMs),
    rows.map(({ row, item, placed }) => correctedOf(placed?.row ?? row, placed?.record ?? item.decoded.record)),
    rows.map(({ item }) => item.decoded.record.timeQuality),
    rows.map(({ item }) => item.sha256),
    Buffer.concat(rows.map(({ item }) => item.bytes)),
    starts,
    lengths,
  ];
  await trx.executeQuery(CompiledQuery.raw(SET_STATEMENT, parameters));
}

const SET_STATEMENT = `INSERT INTO inbox (node, run, seq, received_at_ms, kind, device, subject_type, subject_id, up_ms, at_ms,
    corrected_at_ms, time_quality, sha256, bytes)
  SELECT node, run, seq, $4, kind, device, subject_type, subject_id, up_ms, at_ms, corrected_at_ms, time_quality, sha256,
    substring($14::bytea FROM start FOR length)
  FROM unnest($1::text[], $2::text[], $3::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
    $11::bigint[], $12::text[], $13::text[], $15::int[], $16::int[])
  AS rows (node, run, seq, kind, device, subject_type, subject_id, up_ms, at_ms, corrected_at_ms, time_quality, sha256, start,
    length)`;

const statements = new Map<string, string>();

function statement(trx: Trx, rows: number): string {
  const key = `${isPostgres(trx)} ${rows}`;
  const known = statements.get(key);
  if (known !== undefined) return known;
  const text = `INSERT INTO inbox (node, run, seq, received_at_ms, kind, device, subject_type, subject_id, up_ms, at_ms,
    corrected_at_ms, time_quality, sha256, bytes) VALUES ${Array.from({ length: rows }, (_, row) => placeholders(trx, COLUMNS, row * COLUMNS)).join(",")}`;
  statements.set(key, text);
  return text;
}

async function insert(trx: Trx, rows: readonly InboxRow[], nowMs: number): Promise<void> {
  const parameters: unknown[] = [];
  for (const { row, item, placed } of rows) {
    const { record } = item.decoded;
    parameters.push(
      row.node,
      row.run,
      record.seq,
      nowMs,
      record.kind,
      record.device ?? null,
      record.subject?.type ?? null,
      record.subject?.id ?? null,
      record.upMs,
      record.atMs,
      correctedOf(placed?.row ?? row, placed?.record ?? record),
      record.timeQuality,
      item.sha256,
      item.bytes,
    );
  }
  await trx.executeQuery(CompiledQuery.raw(statement(trx, rows.length), parameters));
}

/** SHA-256 of stored records, by seq. */
export async function storedHashes(
  trx: Trx,
  node: string,
  run: string,
  seqs: readonly number[],
): Promise<Map<number, string>> {
  const hashes = new Map<number, string>();
  for (let at = 0; at < seqs.length; at += 500) {
    const part = seqs.slice(at, at + 500);
    for (const table of ["kept_hashes", "quarantine", "inbox"] as const) {
      const found = trx
        .selectFrom(table)
        .select(["seq", "sha256"])
        .where("node", "=", node)
        .where("run", "=", run)
        .where("seq", "in", part);
      const rows = await (table === "quarantine" ? found.orderBy("received_at_ms", "desc") : found).execute();
      for (const { seq, sha256 } of rows) hashes.set(seq, sha256);
    }
  }
  return hashes;
}

import { sql } from "kysely";
import { isPostgres } from "./dialect.ts";
import type { Db } from "./handle.ts";
import { changing } from "./transactions.ts";

const DAY_MS = 24 * 3600_000;
/** Any number that no other program uses in this database. */
const DAYS_LOCK = 0x53_48_41_51;
/** So many rows a transaction: ingest waits behind it for some milliseconds, not for minutes. */
const ROUND_ROWS = 500;

const made = new WeakMap<Db, Set<number>>();

/**
 * Sees to it that what arrives on this day, and on the next, has its place. On PostgreSQL each day of the inbox is a
 * partition of its own; on SQLite there is nothing to do.
 */
export async function openInboxDays(db: Db, nowMs: number): Promise<void> {
  if (!isPostgres(db)) return;
  const today = Math.floor(nowMs / DAY_MS);
  const known = made.get(db) ?? new Set();
  made.set(db, known);
  if (known.has(today)) return;
  await changing(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(${DAYS_LOCK})`.execute(trx);
    for (const day of [today, today + 1]) {
      const bounds = sql`for values from (${sql.lit(day * DAY_MS)}) to (${sql.lit((day + 1) * DAY_MS)})`;
      await sql`create table if not exists ${sql.table(partitionOf(day))} partition of inbox ${bounds}`.execute(trx);
    }
  });
  known.add(today);
}

export interface DroppedDays {
  readonly records: number;
}

/**
 * Drops what the bridge received before this moment, by whole days. The ledger stays, and so do the hashes of lane 0: what
 * comes again is still known. On SQLite it goes in small rounds; call it again while `records` is not 0.
 */
export async function dropInboxBefore(db: Db, beforeMs: number): Promise<DroppedDays> {
  const untilMs = Math.floor(beforeMs / DAY_MS) * DAY_MS;
  return isPostgres(db) ? dropPartitions(db, untilMs / DAY_MS) : deleteRound(db, untilMs);
}

/** Kinds among which lane 0 travels; of a message only the emergency, and its hash costs little more to keep. */
const URGENT = ["alarm", "result", "message", "shed"];

async function deleteRound(db: Db, untilMs: number): Promise<DroppedDays> {
  return changing(db, async (trx) => {
    const rows = await trx
      .selectFrom("inbox")
      .select(["node", "run", "seq", "kind", "sha256"])
      .where("received_at_ms", "<", untilMs)
      .orderBy("received_at_ms")
      .limit(ROUND_ROWS)
      .execute();
    for (const { node, run, seq, kind, sha256 } of rows) {
      if (URGENT.includes(kind)) {
        const kept = { node, run, seq, sha256 };
        await trx
          .insertInto("kept_hashes")
          .values(kept)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      const one = trx.deleteFrom("inbox").where("node", "=", node).where("run", "=", run);
      await one.where("seq", "=", seq).execute();
    }
    return { records: rows.length };
  });
}

async function dropPartitions(db: Db, untilDay: number): Promise<DroppedDays> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'inbox'::regclass`.execute(db);
  let records = 0;
  for (const { name } of rows) {
    const day = Number(/^inbox_(\d+)$/u.exec(name)?.[1] ?? Number.NaN);
    if (!(day < untilDay)) continue;
    const table = sql.table(name);
    await changing(db, async (trx) => {
      await sql`insert into kept_hashes (node, run, seq, sha256)
        select node, run, seq, sha256 from ${table} where kind in (${sql.join(URGENT)})
        on conflict do nothing`.execute(trx);
      const counted = await sql<{ records: number }>`select count(*) as records from ${table}`.execute(trx);
      records += counted.rows[0]?.records ?? 0;
      await sql`drop table ${table}`.execute(trx);
    });
    made.get(db)?.delete(day);
  }
  return { records };
}

function partitionOf(day: number): string {
  return `inbox_${day}`;
}

import { type RawBuilder, sql } from "kysely";
import { isPostgres } from "./dialect.ts";
import type { Db, Trx } from "./handle.ts";
import { isHeld } from "./retention-holds.ts";
import { changing } from "./transactions.ts";

export const DAY_MS = 24 * 3600_000;
/** Any number that no other program uses in this database. */
const DAYS_LOCK = 0x53_48_41_51;
/** So many rows a transaction: ingest waits behind it for some milliseconds, not for minutes. */
const ROUND_ROWS = 200;
/** Nobody is to wait for a transaction that itself waits for a long reader. */
const LONGEST_WAIT = "2s";

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

/** The first day from this one on that may hold records. */
export async function nextInboxDay(db: Db, fromDay: number): Promise<number | undefined> {
  if (isPostgres(db)) {
    const days = (await partitions(db)).filter((day) => day >= fromDay);
    return days.length === 0 ? undefined : Math.min(...days);
  }
  const first = await db
    .selectFrom("inbox")
    .select("received_at_ms")
    .where("received_at_ms", ">=", fromDay * DAY_MS)
    .orderBy("received_at_ms")
    .limit(1)
    .executeTakeFirst();
  return first === undefined ? undefined : Math.floor(first.received_at_ms / DAY_MS);
}

/** Kinds among which lane 0 travels; of a message only the emergency, and its hash costs little more to keep. */
const URGENT = ["alarm", "result", "act", "message", "shed"];

export interface DayDrop {
  readonly day: number;
  /** Whether a row of the inbox, called `i`, is of a kind whose time is over. */
  readonly isOver: RawBuilder<boolean>;
  /** Every kind's is: the day may go as a whole. */
  readonly isWhole: boolean;
  /** Called between two rounds; false ends it. */
  readonly next: (trx: Db) => Promise<boolean>;
}

export interface Dropped {
  /** By kind. */
  readonly records: ReadonlyMap<string, number>;
  /** Cut short: what is left is for another time. */
  readonly isUnfinished: boolean;
}

/**
 * Drops records that arrived on one day, but those that a case holds. Their account stays, and so do the hashes of lane 0:
 * what comes again is still known.
 */
export async function dropFromDay(db: Db, drop: DayDrop): Promise<Dropped> {
  const rounds = isPostgres(db) ? postgresRound : sqliteRound;
  // Without statistics (a restored dump, a day that was never looked at) the first rounds take seconds and not milliseconds.
  if (isPostgres(db)) await sql`analyze ${sql.table(partitionOf(drop.day))}`.execute(db);
  const records = new Map<string, number>();
  const count = (kind: string, more: number) => records.set(kind, (records.get(kind) ?? 0) + more);
  const all = async (isOver: RawBuilder<boolean>): Promise<boolean> => {
    for (let after: Cursor | undefined; ; ) {
      if (!(await drop.next(db))) return false;
      const round = await changing(db, (trx) => rounds(trx, drop.day, isOver, after));
      for (const kind of round.kinds) count(kind, 1);
      if (round.last === undefined) return true;
      after = round.last;
    }
  };
  if (isPostgres(db) && drop.isWhole) {
    // The few that leave a hash behind go in rounds, all others with their partition at once.
    const isUrgent = sql<boolean>`i.kind in (${sql.join(URGENT)}) and ${drop.isOver}`;
    if (!(await all(isUrgent))) return { records, isUnfinished: true };
    const counted = await dropPartition(db, drop.day);
    for (const [kind, more] of counted ?? []) count(kind, more);
    if (counted !== undefined) return { records, isUnfinished: false };
  }
  const isDone = await all(drop.isOver);
  return { records, isUnfinished: !isDone };
}

/** Gives the room of dropped records back to the disk; SQLite uses it again by itself. */
export async function reclaimDay(db: Db, day: number): Promise<void> {
  if (!isPostgres(db)) return;
  const table = sql.table(partitionOf(day));
  const { rows } = await sql`select 1 from ${table} limit 1`.execute(db);
  if (rows.length === 0) await dropPartition(db, day);
  else await sql`vacuum (full, analyze) ${table}`.execute(db);
}

type Cursor = readonly (string | number)[];

interface Round {
  /** Of each record that went. */
  readonly kinds: readonly string[];
  /** Where the next one goes on; undefined: there is nothing more. */
  readonly last: Cursor | undefined;
}

async function sqliteRound(trx: Trx, day: number, isOver: RawBuilder<boolean>, after?: Cursor): Promise<Round> {
  const from = after ?? [day * DAY_MS, -1];
  const { rows } = await sql<{ id: number; received_at_ms: number; goes: number; kind: string }>`
    select i.rowid as id, i.received_at_ms, i.kind, (${isOver}) and not ${isHeld} as goes from inbox i
    where (i.received_at_ms, i.rowid) > (${from[0]}, ${from[1]}) and i.received_at_ms < ${(day + 1) * DAY_MS}
    order by i.received_at_ms, i.rowid limit ${ROUND_ROWS}`.execute(trx);
  const going = rows.filter(({ goes }) => goes === 1);
  const urgent = going.filter(({ kind }) => URGENT.includes(kind)).map(({ id }) => id);
  if (urgent.length > 0) {
    await sql`insert into kept_hashes (node, run, seq, sha256)
      select node, run, seq, sha256 from inbox where rowid in (${sql.join(urgent)}) on conflict do nothing`.execute(
      trx,
    );
  }
  if (going.length > 0) {
    await sql`delete from inbox where rowid in (${sql.join(going.map(({ id }) => id))})`.execute(trx);
  }
  const last = rows.length < ROUND_ROWS ? undefined : rows.at(-1);
  return { kinds: going.map(({ kind }) => kind), last: last && [last.received_at_ms, last.id] };
}

async function postgresRound(trx: Trx, day: number, isOver: RawBuilder<boolean>, after?: Cursor): Promise<Round> {
  const table = sql.table(partitionOf(day));
  const from = after ?? ["", "", -1];
  const page = await sql<{ node: string; run: string; seq: number; kind: string }>`
    select i.node, i.run, i.seq, i.kind from ${table} i
    where (i.node, i.run, i.seq) > (${from[0]}, ${from[1]}, ${from[2]}) and (${isOver}) and not ${isHeld}
    order by i.node, i.run, i.seq limit ${ROUND_ROWS}`.execute(trx);
  const last = page.rows.at(-1);
  if (last === undefined) return { kinds: [], last: undefined };
  const keys = sql.join(page.rows.map(({ node, run, seq }) => sql`(${node}, ${run}, ${seq}::bigint)`));
  await sql`insert into kept_hashes (node, run, seq, sha256)
    select node, run, seq, sha256 from ${table} where (node, run, seq) in (${keys}) and kind in (${sql.join(URGENT)})
    on conflict do nothing`.execute(trx);
  await sql`delete from ${table} where (node, run, seq) in (${keys})`.execute(trx);
  const isLast = page.rows.length < ROUND_ROWS;
  return { kinds: page.rows.map(({ kind }) => kind), last: isLast ? undefined : [last.node, last.run, last.seq] };
}

/** @returns records that went with it, by kind; undefined: some of them must stay */
async function dropPartition(db: Db, day: number): Promise<ReadonlyMap<string, number> | undefined> {
  const table = sql.table(partitionOf(day));
  const held = await sql`select 1 from ${table} i where i.kind in (${sql.join(URGENT)}) or ${isHeld} limit 1`.execute(
    db,
  );
  if (held.rows.length > 0) return undefined;
  const counted = await sql<{ kind: string; records: number }>`
    select kind, count(*) as records from ${table} group by kind`.execute(db);
  await changing(db, async (trx) => {
    await sql`set local lock_timeout = ${sql.lit(LONGEST_WAIT)}`.execute(trx);
    await sql`drop table ${table}`.execute(trx);
  });
  made.get(db)?.delete(day);
  return new Map(counted.rows.map(({ kind, records }) => [kind, Number(records)]));
}

async function partitions(db: Db): Promise<readonly number[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'inbox'::regclass`.execute(db);
  return rows.flatMap(({ name }) => /^inbox_(\d+)$/u.exec(name)?.[1] ?? []).map(Number);
}

function partitionOf(day: number): string {
  return `inbox_${day}`;
}

import { sql } from "kysely";
import { isPostgres } from "./dialect.ts";
import type { Db } from "./handle.ts";
import { dropInboxBefore } from "./inbox-days.ts";

const DAY_MS = 24 * 3600_000;
/** Even over its budget the bridge keeps today and the day before: cases that run now are proven with them. */
const LEAST_DAYS = 2;

export interface Retention {
  readonly keepMs: number;
  /** What the database may take on its disk; undefined: as much as there is. */
  readonly budgetBytes: number | undefined;
}

export interface Kept {
  readonly dropped: number;
  readonly usedBytes: number;
  /** There is nothing more to drop, and it is still too much. */
  readonly isOverBudget: boolean;
}

/** Drops records that are older than they need be, and the oldest days of a database that has grown beyond its budget. */
export async function keepWithin(db: Db, { keepMs, budgetBytes }: Retention, nowMs: number): Promise<Kept> {
  let dropped = await dropAll(db, nowMs - keepMs);
  let usedBytes = await usedBy(db);
  while (budgetBytes !== undefined && usedBytes > budgetBytes) {
    const oldest = await db
      .selectFrom("inbox")
      .select(({ fn }) => fn.min("received_at_ms").as("atMs"))
      .executeTakeFirst();
    const untilMs = (Math.floor(Number(oldest?.atMs ?? nowMs) / DAY_MS) + 1) * DAY_MS;
    if (untilMs > (Math.floor(nowMs / DAY_MS) + 1 - LEAST_DAYS) * DAY_MS) {
      return { dropped, usedBytes, isOverBudget: true };
    }
    dropped += await dropAll(db, untilMs);
    usedBytes = await usedBy(db);
  }
  return { dropped, usedBytes, isOverBudget: false };
}

async function dropAll(db: Db, beforeMs: number): Promise<number> {
  let dropped = 0;
  for (;;) {
    const { records } = await dropInboxBefore(db, beforeMs);
    dropped += records;
    if (records === 0 || isPostgres(db)) return dropped;
    // Whatever waits for the database has its turn between two rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Bytes that hold something: SQLite's file does not shrink, but what is free in it is used again. */
export async function usedBy(db: Db): Promise<number> {
  const query = isPostgres(db)
    ? sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`
    : sql<{ bytes: number }>`select (page_count - freelist_count) * page_size as bytes
        from pragma_page_count(), pragma_freelist_count(), pragma_page_size()`;
  const { rows } = await query.execute(db);
  return Number(rows[0]?.bytes ?? 0);
}

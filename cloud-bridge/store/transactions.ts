import { sql } from "kysely";
import { isPostgres } from "./dialect.ts";
import type { Db, Trx } from "./handle.ts";

/**
 * PostgreSQL ended one of two transactions that waited for each other, could not order them, or made the same thing at the
 * same time: again, from the start, where each sees what the other did.
 */
const TRY_AGAIN = new Set(["40P01", "40001", "23505"]);
const TRIES = 4;

/** Any number that no other program uses in this database. */
const DESK_LOCK = 0x53_48_41_4f;

/** A transaction that writes. It may run more than once: what it remembers outside must be made anew within it. */
export async function changing<T>(db: Db, act: (trx: Trx) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await db.transaction().execute(act);
    } catch (error) {
      if (tried === TRIES || !isTryAgain(error)) throw error;
    }
  }
}

/** A transaction that only reads, and sees one moment. */
export function reading<T>(db: Db, act: (trx: Trx) => Promise<T>): Promise<T> {
  const transaction = db.transaction();
  return isPostgres(db)
    ? transaction.setIsolationLevel("repeatable read").setAccessMode("read only").execute(act)
    : transaction.execute(act);
}

/**
 * To the end of the transaction no other one changes cases, crews or assignments, in whichever process: what is decided
 * here still holds when it commits, and the numbers of its events rise in the order of the commits.
 */
export async function lockDesk(trx: Trx): Promise<void> {
  if (isPostgres(trx)) await sql`select pg_advisory_xact_lock(${DESK_LOCK})`.execute(trx);
}

function isTryAgain(error: unknown): boolean {
  return error instanceof Error && "code" in error && TRY_AGAIN.has(String(error.code));
}

import { PostgresAdapter, type RawBuilder, sql } from "kysely";
import type { Db, Trx } from "./handle.ts";

/** Whether rows must be locked: SQLite's transactions begin as the only writer and need no other lock. */
export function isPostgres(db: Db | Trx): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/** One field of JSON that is stored as text; null where it is missing. */
export function jsonField(db: Db | Trx, column: string, field: string): RawBuilder<string | null> {
  return isPostgres(db)
    ? sql<string | null>`${sql.ref(column)}::json ->> ${sql.lit(field)}`
    : sql<string | null>`json_extract(${sql.ref(column)}, ${sql.lit(`$.${field}`)})`;
}

/** Text with a placeholder for each value, as the database wants to see them. */
export function placeholders(db: Db | Trx, count: number, from: number): string {
  const one = isPostgres(db) ? (index: number) => `$${from + index + 1}` : () => "?";
  return `(${Array.from({ length: count }, (_, index) => one(index)).join(",")})`;
}

import type Database from "better-sqlite3";

export type SqliteDatabase = Database.Database;

export const PAGE_BYTES = 4096;

import { closeSync, copyFileSync, existsSync, openSync, rmSync, writeSync } from "node:fs";
import Database from "better-sqlite3";
import { SCHEMA } from "./schema.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./sqlite.ts";

/** What the head of every journal says, by offset. @source SQLite database file format, 1.3 */
const HEAD: readonly (readonly [offset: number, bytes: Uint8Array])[] = [
  [0, Buffer.from("SQLite format 3\0")],
  [16, Uint8Array.of(PAGE_BYTES >> 8, PAGE_BYTES & 0xff)],
  // Written and read through a log; no bytes reserved; the fractions that a payload may take.
  [18, Uint8Array.of(2, 2, 0, 64, 32, 32)],
  // Form of the schema; UTF-8.
  [44, Uint8Array.of(0, 0, 0, 4)],
  [56, Uint8Array.of(0, 0, 0, 1)],
];

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

/**
 * One bit in the file's head or in the text of a table's definition makes SQLite read nothing of it at all, though the rows
 * are whole. What stands there is known: a copy gets it anew. The file itself stays as it is.
 * @returns undefined where there is no room for a copy, or no sense in it; else somebody must `removeCopy` it
 */
export function mendedCopy(path: string): string | undefined {
  const copy = `${path}.mended`;
  try {
    removeCopy(copy);
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    const file = openSync(copy, "r+");
    for (const [offset, bytes] of HEAD) writeSync(file, bytes, 0, bytes.length, offset);
    closeSync(file);
    const db = new Database(copy);
    try {
      mendSchema(db);
    } finally {
      db.close();
    }
    return copy;
  } catch {
    removeCopy(copy);
    return undefined;
  }
}

export function removeCopy(copy: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${copy}${suffix}`, { force: true });
}

function mendSchema(db: SqliteDatabase): void {
  db.unsafeMode();
  db.pragma("writable_schema = ON");
  // The tables of version 1 are others.
  if (db.pragma("user_version", { simple: true }) === 1) return;
  const found = db.prepare("SELECT rowid, type, name, tbl_name, sql FROM sqlite_master").all() as (SchemaRow & {
    readonly rowid: number;
  })[];
  const known = knownSchema();
  const strange = found.filter(({ name }) => !known.some((row) => row.name === name));
  const missing = known.filter(({ name }) => !found.some((row) => row.name === name));
  const put = db.prepare(
    "UPDATE sqlite_master SET type = @type, name = @name, tbl_name = @tbl_name, sql = @sql WHERE rowid = @rowid",
  );
  for (const row of known) {
    const [only] = strange.length === 1 && missing.length === 1 && missing[0] === row ? strange : [];
    const place = found.find(({ name }) => name === row.name) ?? only;
    if (place !== undefined) put.run({ ...row, rowid: place.rowid });
  }
  db.pragma(`schema_version = ${Number(db.pragma("schema_version", { simple: true })) + 1}`);
}

function knownSchema(): readonly SchemaRow[] {
  const db = new Database(":memory:");
  try {
    db.exec(SCHEMA);
    return db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_master").all() as SchemaRow[];
  } finally {
    db.close();
  }
}

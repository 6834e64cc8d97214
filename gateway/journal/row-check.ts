import type { SqliteDatabase } from "./sqlite.ts";
import { crcOf } from "./stored-record.ts";

/** What has a check of its own: a row of the working table of alarms. */
export interface AlarmRow {
  readonly alarm_id: string;
  readonly device: string;
  readonly subject: string;
  readonly is_open: number;
  readonly changed_at_ms: number;
  readonly body: string;
  /** null: written by a program that knew no check. */
  readonly crc: number | null;
}

/** The same of the working table of levels. */
export interface LevelRow {
  readonly device: string;
  readonly at_ms: number;
  readonly level_db: number | null;
  readonly quantity: string;
  readonly flags: string;
  readonly crc: number | null;
}

/** Of all that a row says: a damaged digit that is still a digit is found by nothing else. */
export function checkOfAlarm(row: Omit<AlarmRow, "crc">): number {
  return checkOf([row.alarm_id, row.device, row.subject, row.is_open, row.changed_at_ms, row.body]);
}

export function checkOfLevel(row: Omit<LevelRow, "crc">): number {
  return checkOf([row.device, row.at_ms, row.level_db, row.quantity, row.flags]);
}

export function isWholeAlarm(row: AlarmRow): boolean {
  return row.crc === null || row.crc === checkOfAlarm(row);
}

export function isWholeLevel(row: LevelRow): boolean {
  return row.crc === null || row.crc === checkOfLevel(row);
}

/** Gives a file of an earlier program the columns; that program goes on writing it, and its rows count as unchecked. */
export function addRowChecks(db: SqliteDatabase): void {
  const add = db.transaction(() => {
    for (const table of ["alarm", "level"]) {
      const has = db.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = 'crc'").get(table);
      if (has === undefined) db.exec(`ALTER TABLE ${table} ADD COLUMN crc INTEGER`);
    }
  });
  add.immediate();
}

function checkOf(values: readonly (string | number | null)[]): number {
  return crcOf(JSON.stringify(values));
}

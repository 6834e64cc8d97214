import type Database from "better-sqlite3";
import { diskFault } from "./disk-fault.ts";

/**
 * The working table of levels, by second and then by device: what ten meters commit in one second lies on one page and not on
 * ten, and the disk is told to write a third of it.
 */
export const LEVEL_TABLE = `
CREATE TABLE level (
  device TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  level_db REAL,
  quantity TEXT NOT NULL,
  flags TEXT NOT NULL,
  crc INTEGER,
  PRIMARY KEY (at_ms, device)
) STRICT, WITHOUT ROWID;
`;

/** Rearranges the table of a file in which it still lies by device. Either order serves either program. */
export function arrangeLevels(db: Database.Database): void {
  const first: unknown = db.prepare("SELECT name FROM pragma_table_info('level') WHERE pk = 1").pluck().get();
  if (first !== "device") return;
  const rearrange = db.transaction(() => {
    db.exec(`ALTER TABLE level RENAME TO level_by_device; ${LEVEL_TABLE}
      INSERT INTO level (device, at_ms, level_db, quantity, flags)
        SELECT device, at_ms, level_db, quantity, flags FROM level_by_device; DROP TABLE level_by_device;`);
  });
  try {
    rearrange.immediate();
  } catch (error) {
    // A full file keeps its order until another start.
    if (diskFault(error) !== "full") throw error;
  }
}

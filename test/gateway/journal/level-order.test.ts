import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { NOON_MS, stampAt, temporaryDirectory } from "./sample-records.ts";

const options = { reserveBytes: 65_536, groupMs: 5, stamp: stampAt() };
const level = (device: string, second: number) => ({
  ...{ device, atMs: NOON_MS + second * 1000, levelDb: 50 + second, quantity: "LAF", flags: ["weather"] },
});

test("levels that an earlier version left by device come back whole, and lie by second from then on", async () => {
  const directory = temporaryDirectory();
  const levels = [0, 1, 2].flatMap((second) => [level("noise-1", second), level("noise-2", second)]);
  await (async () => {
    await using journal = await openJournal({ directory, ...options });
    await journal.write({ levels }, "urgent");
  })();
  byDevice(directory);
  await using journal = await openJournal({ directory, ...options });
  expect(new Set(journal.restored.levels)).toEqual(new Set(levels));
  await journal.write({ dropLevelsBefore: [{ device: "noise-1", atMs: NOON_MS + 2000 }] }, "urgent");
  await journal.flush();
  const db = new Database(join(directory, "journal.sqlite"), { readonly: true });
  expect(db.prepare("SELECT name FROM pragma_table_info('level') WHERE pk > 0 ORDER BY pk").pluck().all()).toEqual([
    "at_ms",
    "device",
  ]);
  expect(db.prepare("SELECT device FROM level ORDER BY device, at_ms").pluck().all()).toEqual([
    "noise-1",
    "noise-2",
    "noise-2",
    "noise-2",
  ]);
  db.close();
});

/** The table as it was before. */
function byDevice(directory: string): void {
  const db = new Database(join(directory, "journal.sqlite"));
  db.exec(`CREATE TABLE old (device TEXT NOT NULL, at_ms INTEGER NOT NULL, level_db REAL, quantity TEXT NOT NULL,
      flags TEXT NOT NULL, PRIMARY KEY (device, at_ms)) STRICT, WITHOUT ROWID;
    INSERT INTO old SELECT device, at_ms, level_db, quantity, flags FROM level; DROP TABLE level; ALTER TABLE old RENAME TO level;`);
  db.close();
}

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openJournal } from "../../gateway/journal/open-journal.ts";
import { position, stampAt, temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { JournalObserver } from "./journal-observer.ts";

test("what a second damage takes is told as destroyed, though an earlier one lies before it", async () => {
  const directory = temporaryDirectory();
  const journal = await openJournal({ directory, groupMs: 1, stamp: stampAt() });
  await journal.write({ append: Array.from({ length: 200 }, () => position()) }, "grouped");
  const { run } = journal.restored;
  await journal.close();
  const observer = new JournalObserver(directory);
  const file = join(directory, "journal.sqlite");
  const of = (sql: string) => {
    const db = new Database(file);
    try {
      return db.prepare(sql).pluck().all() as number[];
    } finally {
      db.close();
    }
  };
  const pages = of("SELECT pageno FROM dbstat WHERE name = 'record' AND pagetype = 'leaf' ORDER BY path");
  expect(pages.length).toBeGreaterThan(4);
  observer.damage(() => {
    const fd = openSync(file, "r+");
    writeSync(fd, new Uint8Array(512).fill(0xa5), 0, 512, ((pages[2] ?? 0) - 1) * 4096);
    closeSync(fd);
  });
  expect(() => of("SELECT bytes FROM record")).toThrow("malformed");
  const first = observer.destroyed.size;
  expect(first).toBeGreaterThan(0);
  expect(observer.destroyed).not.toContain(`${run}/200`);
  observer.damage(() => {
    const db = new Database(file);
    db.prepare("UPDATE record SET bytes = zeroblob(length(bytes)) WHERE run_no = 1 AND shelf = 22 AND seq = 200").run();
    db.close();
  });
  expect([...observer.destroyed].slice(first)).toEqual([`${run}/200`]);
});

import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openJournal } from "../../gateway/journal/open-journal.ts";
import { alarm, position, stampAt, temporaryDirectory } from "../gateway/journal/sample-records.ts";

const shao = join(import.meta.dirname, "../../cli/shao.js");

function journal(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [shao, "journal", ...words], { encoding: "utf8" });
  const lines = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  return { status, lines, stderr };
}

test("shao journal tells what is in a journal that is being written, and finds a row that was changed", async () => {
  const directory = temporaryDirectory();
  await using live = await openJournal({ directory, stamp: stampAt(), groupMs: 5, reserveBytes: 65_536 });
  const { run } = live.restored;
  await live.write({ append: [position(), alarm()] }, "grouped");
  live.markReceipted(run, [[1, 1]]);
  await live.setSetting("custody.bridge", "b1");
  expect(journal("stats", directory)).toMatchObject({
    status: 0,
    lines: [{ runs: 1, records: 2, unreceipted: 1, byKind: { alarm: 1, position: 1 }, bridge: "b1" }],
  });
  expect(journal("ls", directory).lines).toMatchObject([{ run, head: 2, held: 2, unreceipted: 1 }]);
  expect(journal("verify", directory)).toMatchObject({ status: 0, lines: [] });
  expect(journal("export", directory).lines).toMatchObject([
    { run, record: { seq: 1, kind: "position" } },
    { run, record: { seq: 2, kind: "alarm" } },
  ]);
  const hand = new Database(join(directory, "journal.sqlite"));
  hand.prepare("UPDATE record SET bytes = CAST('{}' AS BLOB) WHERE seq = 2").run();
  hand.close();
  expect(journal("verify", directory)).toMatchObject({ status: 1, lines: [{ code: "JOURNAL_ROW" }] });
  const nothing = journal("stats", join(directory, "nowhere"));
  expect(nothing).toMatchObject({ status: 1, stderr: expect.stringContaining("Hint:") });
}, 40_000);

test("ls filters rows; verify names a damaged row, log and page; export reads around the damage", async () => {
  const directory = temporaryDirectory();
  const live = await openJournal({ directory, stamp: stampAt(), groupMs: 5, reserveBytes: 65_536 });
  const { run } = live.restored;
  for (let n = 0; n < 30; n += 1) {
    await live.write({ append: Array.from({ length: 20 }, () => position()) }, "grouped");
  }
  await live.write({ append: [alarm()] }, "urgent");
  expect(journal("ls", directory, "--kind", "alarm").lines).toMatchObject([{ run, seq: 601, lane: 0, kind: "alarm" }]);
  expect(journal("ls", directory, "--seq", "5-7", "--run", run.slice(0, 5)).lines.map(({ seq }) => seq)).toEqual([
    5, 6, 7,
  ]);
  expect(journal("ls", directory, "--lane", "2", "--limit", "3").lines).toHaveLength(3);
  expect(journal("ls", directory, "--since", "2027-01-01T00:00:00Z").lines).toEqual([]);
  expect(journal("ls", directory, "--seq", "x")).toMatchObject({ status: 64 });

  // In the middle of the log: SQLite would drop every commit behind it without a word.
  const log = join(directory, "journal.sqlite-wal");
  const before = readFileSync(log);
  const copy = temporaryDirectory();
  const torn = Buffer.from(before);
  torn[Math.floor(torn.length / 2)] = (torn[Math.floor(torn.length / 2)] ?? 0) ^ 1;
  copyFileSync(join(directory, "journal.sqlite"), join(copy, "journal.sqlite"));
  writeFileSync(join(copy, "journal.sqlite-wal"), torn);
  const damaged = journal("verify", copy);
  expect(damaged.status).toBe(1);
  expect(damaged.lines[0]).toMatchObject({
    code: "JOURNAL_BROKEN",
    message: expect.stringContaining("cannot be applied"),
  });
  await live.close();

  // One page of positions is gone; the rows on either side of it are not.
  const file = join(directory, "journal.sqlite");
  const bytes = readFileSync(file);
  const page = Math.floor(bytes.indexOf('{"seq":300,') / 4096);
  bytes.fill(0xa5, page * 4096, (page + 1) * 4096);
  writeFileSync(file, bytes);
  const exported = journal("export", file);
  const seqs = exported.lines.map(({ record }) => record.seq);
  expect(exported.status).toBe(1);
  expect(exported.stderr).toContain("cannot be read after seq");
  expect(seqs).not.toContain(300);
  expect(seqs.length).toBeGreaterThan(500);
  expect(seqs).toEqual(expect.arrayContaining([1, 600, 601]));
  expect(journal("verify", file).lines).toContainEqual(
    expect.objectContaining({ code: "JOURNAL_BROKEN", message: expect.stringContaining("unreadable after seq") }),
  );
}, 60_000);

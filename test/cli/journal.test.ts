import { spawnSync } from "node:child_process";
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

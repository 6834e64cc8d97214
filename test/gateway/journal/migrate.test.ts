import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { NOON_MS, position, stampAt, temporaryDirectory } from "./sample-records.ts";

/** Written by version 1 of the journal: two runs, 249 rows, receipts, an open and a cleared alarm, an unfinished minute. */
const VERSION_1 = gunzipSync(readFileSync(join(import.meta.dirname, "journal-v1.sqlite.gz")));
const RUNS = ["RTXk5G5-iQPsEBBxBCGynQ", "J7IQTjHq7cxNDkNDniFyNg"];
const EVERYTHING = { lanes: [0, 1, 2, 3, 4] as const, maxRecords: 1000, maxBytes: 1e9, includeReceipted: true };

function oldJournal(): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "journal.sqlite"), VERSION_1);
  return directory;
}

function rowsOfVersion1(): Map<string, string> {
  const db = new Database(join(oldJournal(), "journal.sqlite"), { readonly: true });
  const rows = db.prepare("SELECT run, seq, bytes FROM record JOIN run ON no = run_no").all();
  db.close();
  return new Map(
    (rows as { run: string; seq: number; bytes: Buffer }[]).map(({ run, seq, bytes }) => [
      `${run}/${seq}`,
      bytes.toString("utf8"),
    ]),
  );
}

async function expectAllOf(directory: string): Promise<void> {
  await using journal = await openJournal({ directory, stamp: stampAt(), reserveBytes: 65_536, groupMs: 1 });
  const held = new Map<string, string>();
  const lanes = new Map<string, number>();
  for (const run of RUNS) {
    for (const { seq, lane, bytes } of await journal.read({ run, ranges: [[1, 500]], ...EVERYTHING })) {
      held.set(`${run}/${seq}`, Buffer.from(bytes).toString("utf8"));
      lanes.set(`${run}/${seq}`, lane);
    }
  }
  expect(held).toEqual(rowsOfVersion1());
  expect(journal.restored.previous).toEqual({ run: RUNS[0], lastSeq: 124 });
  expect(journal.restored.setAside).toBeUndefined();
  expect(journal.restored.openAlarms).toMatchObject([{ body: { rev: 1, phase: "raised" } }]);
  expect(journal.restored.levels).toHaveLength(2);
  expect(
    (await journal.read({ run: RUNS[1] ?? "", ranges: [[1, 21]], ...EVERYTHING, includeReceipted: false }))[0]?.seq,
  ).toBe(21);
  expect(await journal.statistics()).toMatchObject({ records: 249, unreceipted: 205, laneDepth: [7, 1, 0, 0, 197] });
  expect(await journal.getSetting("custody.epoch")).toBe("e1");
  expect(await journal.write({ append: [position()] }, "grouped")).toEqual([1]);
  const db = new Database(join(directory, "journal.sqlite"), { readonly: true });
  expect(db.prepare("SELECT count(*) FROM sqlite_master WHERE name LIKE 'record_v1'").pluck().get()).toBe(0);
  expect(db.pragma("user_version", { simple: true })).toBe(2);
  db.close();
}

test("a journal of version 1 is brought up with every row, receipt, alarm and setting as it was", async () => {
  await expectAllOf(oldJournal());
});

test("a death before any commit of it costs nothing: the next start goes on", async () => {
  for (const count of [1, 2, 3]) {
    const directory = oldJournal();
    const script = `
      import { openJournal } from ${JSON.stringify(new URL("../../../gateway/journal/open-journal.ts", import.meta.url))};
      const stamp = () => ({ upMs: 0, atMs: ${NOON_MS}, timeQuality: "ntp" });
      await openJournal({ directory: ${JSON.stringify(directory)}, stamp, reserveBytes: 65536,
        faultPoint: { name: "gateway-mid-migration", count: ${count} } });`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
    expect(ended.signal, String(ended.stderr)).toBe("SIGKILL");
    await expectAllOf(directory);
  }
}, 60_000);

test("a program of an earlier version refuses a file from the first step on, and this one a later file", async () => {
  const directory = oldJournal();
  const file = join(directory, "journal.sqlite");
  const hand = new Database(file);
  hand.pragma("user_version = 3");
  hand.close();
  await expect(openJournal({ directory, stamp: stampAt(), reserveBytes: 65_536 })).rejects.toMatchObject({
    code: "JOURNAL_VERSION",
  });
});

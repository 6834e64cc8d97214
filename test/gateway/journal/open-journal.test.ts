import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { journalContract } from "../../contract/journal-contract.ts";
import { smallDisk } from "../../fakes/small-disk.ts";
import { alarm, anotherAlarm, NOON_MS, position, rotTree, stampAt, temporaryDirectory } from "./sample-records.ts";

journalContract("SQLite", () => {
  const directory = temporaryDirectory();
  return { open: (nowMs) => openJournal({ directory, stamp: stampAt(nowMs), reserveBytes: 65_536, groupMs: 5 }) };
});

const small = { reserveBytes: 65_536, groupMs: 5, stamp: stampAt() };
const ALL = { lanes: [0, 1, 2, 3, 4] as const, maxRecords: 100_000, maxBytes: 100_000_000 };

describe("the file", () => {
  test("a second gateway on the same state is refused with a hint and harms nothing", async () => {
    const directory = temporaryDirectory();
    await using first = await openJournal({ directory, ...small });
    await expect(openJournal({ directory, ...small })).rejects.toMatchObject({
      code: "STATE_BUSY",
      hint: expect.stringContaining("state"),
    });
    expect(await first.write({ append: [position()] }, "grouped")).toEqual([1]);
  });

  test("a broken file is set aside under a name that says so, never deleted", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "journal.sqlite"), "this was a journal before the card rotted".repeat(500));
    await using journal = await openJournal({ directory, ...small });
    expect(journal.restored.setAside).toMatch(/^journal\.sqlite\.broken-2026-06-01T12/);
    expect(readFileSync(join(directory, journal.restored.setAside ?? ""), "utf8")).toContain("card rotted");
    expect(journal.restored.previous).toBeUndefined();
    expect(await journal.write({ append: [position()] }, "grouped")).toEqual([1]);
  });

  test("a file that a write finds broken is set aside by the next start, though it still opens", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    rotTree(directory, "story_alarm");
    await expect(first.write({ append: [alarm()] }, "grouped")).rejects.toMatchObject({ code: "JOURNAL_BROKEN" });
    await first.close().catch(() => {});
    await using second = await openJournal({ directory, ...small });
    expect(second.restored.setAside).toMatch(/broken/);
    expect(await second.write({ append: [position()] }, "grouped")).toEqual([1]);
  });

  test("a page that rots later is told as broken, and the next start sets the file aside", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    for (let n = 0; n < 20; n += 1)
      await first.write({ append: Array.from({ length: 50 }, () => position()) }, "grouped");
    await first.close();
    const file = join(directory, "journal.sqlite");
    const bytes = readFileSync(file);
    // Everything behind the first pages, where the newest rows and the indexes lie.
    bytes.fill(0xa5, 16 * 4096);
    writeFileSync(file, bytes);
    const second = await openJournal({ directory, ...small });
    const outcome = second.restored.setAside ?? (await faultOf(second));
    await second.close().catch(() => {});
    await using third = await openJournal({ directory, ...small });
    if (outcome === "JOURNAL_BROKEN") expect(third.restored.setAside).toMatch(/broken/);
    expect(readdirSync(directory).some((name) => name.includes(".broken-"))).toBe(true);
    expect(await third.write({ append: [position()] }, "grouped")).toEqual([1]);

    async function faultOf(journal: typeof second): Promise<string> {
      const { run } = journal.restored.previous ?? { run: "" };
      const read = journal.read({ run, ranges: [[1, 1000]], ...ALL });
      return read.then(
        () => "none",
        (error) => error.code,
      );
    }
  });

  test("an end without close is told at the next start, and the head survives it", async () => {
    const directory = temporaryDirectory();
    const script = `
      import { openJournal } from ${JSON.stringify(new URL("../../../gateway/journal/open-journal.ts", import.meta.url))};
      const stamp = () => ({ upMs: 0, atMs: ${NOON_MS}, timeQuality: "ntp" });
      const journal = await openJournal({ directory: ${JSON.stringify(directory)}, stamp, reserveBytes: 65536,
        faultPoint: { name: "gateway-after-commit", count: 2 } });
      const record = ${JSON.stringify(position())};
      for (;;) await journal.write({ append: [record] }, "urgent");`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
    expect(ended.signal).toBe("SIGKILL");
    await using journal = await openJournal({ directory, ...small });
    expect(journal.restored).toMatchObject({ wasClean: false, previous: { lastSeq: 2 } });
    expect(journal.restored.setAside).toBeUndefined();
  });

  test("rows are durable: the log is synced at every commit", async () => {
    const directory = temporaryDirectory();
    await using journal = await openJournal({ directory, ...small });
    await journal.write({ append: [position()] }, "grouped");
    using reader = openReadOnly(directory);
    expect(reader.db.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(reader.db.prepare("SELECT count(*) FROM record").pluck().get()).toBe(1);
  });

  test("rows with a receipt go after their time, those without one stay, and the head outlives them", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    const { run } = first.restored;
    await first.write({ append: [position(), position(), position()] }, "grouped");
    first.markReceipted(run, [[1, 2]]);
    await first.close();
    const later = NOON_MS + 31 * 86_400_000;
    const { JournalStore, RunTable, openDatabase } = await tables();
    const db = openDatabase(directory, 10_000);
    const runs = new RunTable(db);
    const settings = {
      directory,
      quotaBytes: 40_960_000,
      reserveBytes: 65_536,
      keepReceiptedMs: 30 * 86_400_000,
      minFreeDiskBytes: 0,
    };
    const stamp = { upMs: 0, atMs: later, timeQuality: "ntp" as const };
    const store = new JournalStore(db, runs, runs.begin("r".repeat(22), later), { ...settings, stamp });
    store.tend({ ...stamp, timeQuality: "none" });
    expect(store.reader.lacking(run, [[1, 3]])).toEqual([]);
    store.markReceipted(run, [[1, 2]]);
    store.tend(stamp);
    expect(store.reader.lacking(run, [[1, 3]])).toEqual([[1, 2]]);
    expect(store.runs()).toMatchObject([{ head: 0 }, { run, head: 3 }]);
    expect(store.statistics()).toMatchObject({ records: 1, unreceipted: 1 });
    store.close(stamp);
  });

  test("what an earlier start was told is forgotten only once the bridge has spoken to this one", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    const { run } = first.restored;
    await first.write({ append: [position(), position()] }, "grouped");
    first.markReceipted(run, [[1, 2]]);
    await first.close();
    const { JournalStore, RunTable, openDatabase } = await tables();
    const db = openDatabase(directory, 10_000);
    const runs = new RunTable(db);
    const settings = {
      directory,
      quotaBytes: 40_960_000,
      reserveBytes: 65_536,
      keepReceiptedMs: 30 * 86_400_000,
      minFreeDiskBytes: 0,
    };
    const stamp = { upMs: 0, atMs: NOON_MS + 31 * 86_400_000, timeQuality: "ntp" as const };
    const store = new JournalStore(db, runs, runs.begin("r".repeat(22), stamp.atMs), { ...settings, stamp });
    store.tend(stamp);
    expect(store.reader.lacking(run, [[1, 2]])).toEqual([]);
    // A bridge that was restored meanwhile has another epoch, and is offered all of it again.
    store.beginCustody("another");
    store.tend(stamp);
    expect(store.reader.lacking(run, [[1, 2]])).toEqual([]);
    store.markReceipted(run, [[1, 1]]);
    store.tend(stamp);
    expect(store.reader.lacking(run, [[1, 2]])).toEqual([[1, 1]]);
    store.close(stamp);
  });
});

describe("the quota", () => {
  test("receipted rows go first, without a word; then unreceipted ones, each declared; alarms never", async () => {
    const directory = temporaryDirectory();
    await using journal = await openJournal({ directory, ...small, quotaBytes: 1_000_000, reserveBytes: 131_072 });
    const { run } = journal.restored;
    await journal.write({ append: [position(), alarm()] }, "grouped");
    await journal.write({ append: Array.from({ length: 500 }, () => position()) }, "grouped");
    journal.markReceipted(run, [[1, 400]]);
    for (let round = 0; round < 40; round += 1) {
      await journal.write({ append: Array.from({ length: 200 }, () => position()) }, "grouped");
    }
    const head = (await journal.runs())[0]?.head ?? 0;
    const rows = await journal.read({ run, ranges: [[1, head]], ...ALL, includeReceipted: true });
    const declared = rows
      .map((row) => JSON.parse(Buffer.from(row.bytes).toString()))
      .filter((record) => record.kind === "shed")
      .flatMap((record) => record.body.ranges as [number, number][]);
    const held = new Set(rows.map((row) => row.seq));
    for (let seq = 1; seq <= head; seq += 1) {
      const isDeclared = declared.some(([from, to]) => from <= seq && seq <= to);
      if (seq !== 2 && seq <= 400) expect(held.has(seq) && isDeclared).toBe(false);
      else expect(held.has(seq), `seq ${seq}`).toBe(!isDeclared);
    }
    expect(declared.every(([from]) => from > 400)).toBe(true);
    expect(declared.length).toBeGreaterThan(0);
    expect(held.has(2)).toBe(true);
    const { records, unreceipted } = await journal.statistics();
    expect(records).toBe(rows.length);
    expect(unreceipted).toBe(rows.filter((row) => row.seq > 400).length);
  });

  test("once only open alarms are left, nothing but alarms goes on, from the reserve", async () => {
    const directory = temporaryDirectory();
    await using journal = await openJournal({ directory, ...small, quotaBytes: 600_000, reserveBytes: 131_072 });
    let made = 0;
    const fill = async () => {
      for (;;) {
        const append = Array.from({ length: 50 }, (_, at) => anotherAlarm(made + at));
        made += 50;
        const openAlarms = append.map(({ body }) => ({ device: "noise-01", subject: "", body }));
        await journal.write({ append, openAlarms }, "grouped");
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: "JOURNAL_FULL", hint: expect.stringContaining("quota") });
    await expect(journal.write({ append: [position()] }, "grouped")).rejects.toMatchObject({ code: "JOURNAL_FULL" });
    const head = (await journal.runs())[0]?.head ?? 0;
    expect(await journal.write({ append: [alarm()] }, "urgent")).toEqual([head + 1]);
    expect(await journal.statistics()).toMatchObject({ full: true });
  });
});

describe("a real disk", () => {
  test("on a full one alarms still commit, the rest is told, and all goes on when there is room again", async (ctx) => {
    const disk = smallDisk(ctx, 8);
    const directory = join(disk.directory, "state");
    await using journal = await openJournal({ directory, ...small, reserveBytes: 1_048_576 });
    await journal.write({ append: [position()] }, "grouped");
    disk.fill();
    const flood = async () => {
      for (let round = 0; round < 500; round += 1) {
        await journal.write({ append: Array.from({ length: 50 }, () => position()) }, "grouped");
      }
    };
    await expect(flood()).rejects.toMatchObject({ code: "JOURNAL_FULL", hint: expect.stringContaining("Free space") });
    for (let rev = 1; rev <= 20; rev += 1) await journal.write({ append: [alarm(rev)] }, "urgent");
    await expect(journal.write({ append: [position()] }, "grouped")).rejects.toMatchObject({ code: "JOURNAL_FULL" });
    expect(await journal.statistics()).toMatchObject({ full: true });
    disk.free();
    const [seq = 0] = await journal.write({ append: [position()] }, "grouped");
    const { run } = journal.restored;
    expect(await journal.lacking(run, [[1, seq]])).toEqual([]);
    const alarms = await journal.read({ run, ranges: [[1, seq]], ...ALL, lanes: [0] });
    expect(alarms).toHaveLength(20);
    expect(await journal.statistics()).toMatchObject({ full: false });
    expect(existsSync(join(directory, "journal.reserve"))).toBe(true);
  });

  test("on a read-only one the start is refused with a hint", async (ctx) => {
    const disk = smallDisk(ctx, 4);
    const directory = join(disk.directory, "state");
    mkdirSync(directory);
    disk.makeReadOnly();
    await expect(openJournal({ directory, ...small })).rejects.toMatchObject({
      code: "JOURNAL_READ_ONLY",
      hint: expect.stringContaining("disk"),
    });
    expect(readdirSync(directory)).toEqual([]);
  });
});

async function tables() {
  const { JournalStore } = await import("../../../gateway/journal/journal-store.ts");
  const { RunTable } = await import("../../../gateway/journal/run-table.ts");
  const { openDatabase } = await import("../../../gateway/journal/database.ts");
  return { JournalStore, RunTable, openDatabase };
}

function openReadOnly(directory: string) {
  const db = new Database(join(directory, "journal.sqlite"), { readonly: true });
  return { db, [Symbol.dispose]: () => void db.close() };
}

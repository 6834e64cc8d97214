import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { JournalNews, StoredRecord } from "../../../gateway/contracts/journal.ts";
import { openDatabase, setAside } from "../../../gateway/journal/database.ts";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import {
  alarm,
  alarmBody,
  anotherAlarm,
  NOON_MS,
  position,
  rotTree,
  stampAt,
  temporaryDirectory,
} from "./sample-records.ts";

const small = { reserveBytes: 65_536, groupMs: 1, stamp: stampAt() };
const ALL = { lanes: [0, 1, 2, 3, 4] as const, maxRecords: 1000, maxBytes: 1e9 };

/** Changes one digit of a row's bytes, as a card does that forgets a bit: SQLite sees nothing wrong. */
function flip(directory: string, seq: number, from: string, to: string): void {
  const db = new Database(join(directory, "journal.sqlite"));
  const bytes = Buffer.from(db.prepare("SELECT bytes FROM record WHERE seq = ?").pluck().get(seq) as Uint8Array);
  const at = bytes.indexOf(from);
  expect(at).toBeGreaterThan(0);
  bytes.write(to, at);
  expect(db.prepare("UPDATE record SET bytes = ? WHERE seq = ?").run(bytes, seq).changes).toBe(1);
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  db.close();
}

/** Gives a part of a file that was set aside its name back. */
function backTo(directory: string, aside: string, suffix: string): void {
  renameSync(join(directory, `${aside}${suffix}`), join(directory, `journal.sqlite${suffix}`));
}

describe("a row whose bytes changed on the card", () => {
  test("is never sent: it is declared as corrupt and said, its bytes are put aside, and the rest goes on", async () => {
    const directory = temporaryDirectory();
    await using journal = await openJournal({ directory, ...small });
    const { run } = journal.restored;
    const committed: StoredRecord[] = [];
    const news: JournalNews[] = [];
    journal.onCommitted((rows) => committed.push(...rows));
    journal.onNews((one) => news.push(one));
    await journal.write({ append: [position(), position(), position()] }, "grouped");
    flip(directory, 2, "39.912", "38.912");
    expect((await journal.read({ run, ranges: [[1, 3]], ...ALL })).map(({ seq }) => seq)).toEqual([1, 3]);
    await journal.statistics();
    expect(committed.at(-1)).toMatchObject({ run, seq: 4, lane: 1 });
    expect(JSON.parse(Buffer.from(committed.at(-1)?.bytes ?? []).toString()).body).toEqual({
      ...{ run, ranges: [[2, 2]], reason: "corrupt" },
    });
    expect(news).toMatchObject([{ code: "JOURNAL_ROW", message: expect.stringContaining("seq 2") }]);
    expect(await journal.lacking(run, [[1, 4]])).toEqual([[2, 2]]);
    expect(await journal.unreceiptedSheds()).toHaveLength(1);
    const db = new Database(join(directory, "journal.sqlite"), { readonly: true });
    expect(String(db.prepare("SELECT bytes FROM corrupt WHERE seq = 2").pluck().get())).toContain("38.912");
    db.close();
    expect(await journal.write({ append: [position()] }, "grouped")).toEqual([5]);
  });

  test("that was an alarm is declared in lane 0 and by its kind", async () => {
    const directory = temporaryDirectory();
    await using journal = await openJournal({ directory, ...small });
    const { run } = journal.restored;
    await journal.write({ append: [alarm(), position()] }, "urgent");
    flip(directory, 1, "night-noise", "right-noise");
    expect(await journal.hash(run, 1)).toBeUndefined();
    const [shed] = await journal.read({ run, ranges: [[1, 9]], ...ALL, lanes: [0] });
    expect(JSON.parse(Buffer.from(shed?.bytes ?? []).toString()).body).toMatchObject({
      reason: "corrupt",
      kind: "alarm",
    });
  });
});

test("an open alarm or a level whose content is damaged keeps no journal from starting, and the alarm is as last recorded", async () => {
  const directory = temporaryDirectory();
  const first = await openJournal({ directory, ...small });
  const [one, other] = [anotherAlarm(1), anotherAlarm(2, { rev: 2 })];
  const key = { device: "noise-01", subject: "" };
  const level = { device: "noise-01", levelDb: 61.5, quantity: "LAF", flags: [] } as const;
  await first.write(
    {
      append: [one, other],
      openAlarms: [
        { ...key, body: one.body },
        { ...key, body: other.body },
      ],
      levels: [
        { ...level, atMs: NOON_MS },
        { ...level, atMs: NOON_MS + 1000 },
      ],
    },
    "urgent",
  );
  await first.close();
  const db = new Database(join(directory, "journal.sqlite"));
  const spoil = (sql: string, ...values: readonly unknown[]) => expect(db.prepare(sql).run(...values).changes).toBe(1);
  spoil("UPDATE alarm SET body = replace(body, ',', '.') WHERE alarm_id = ?", one.body.alarmId);
  spoil("UPDATE level SET flags = '[\"no' WHERE at_ms = ?", NOON_MS);
  db.prepare("INSERT INTO setting VALUES ('shed.thinned', '{\"')").run();
  db.close();

  await using second = await openJournal({ directory, ...small });
  expect(second.restored).toMatchObject({ damaged: { alarms: 1, levels: 1 }, levels: [{ atMs: NOON_MS + 1000 }] });
  expect(second.restored.openAlarms.map(({ body }) => body)).toEqual([one.body, other.body]);
  expect((await second.helloContent()).open).toEqual([one.body.alarmId, other.body.alarmId]);
  expect(await second.write({ append: [position()] }, "grouped")).toEqual([1]);
});

describe("a digit that changed into another one in a working row", () => {
  const key = { device: "noise-01", subject: "" };
  const level = { device: "noise-01", levelDb: 61.5, quantity: "LAF", flags: [] } as const;
  const standing = anotherAlarm(1, { rev: 2 });
  const ended = anotherAlarm(2, { rev: 3, phase: "cleared" });

  async function written(): Promise<string> {
    const directory = temporaryDirectory();
    await using journal = await openJournal({ directory, ...small });
    await journal.write(
      {
        append: [standing, anotherAlarm(2)],
        openAlarms: [
          { ...key, body: standing.body },
          { ...key, body: anotherAlarm(2).body },
        ],
        levels: [
          { ...level, atMs: NOON_MS },
          { ...level, atMs: NOON_MS + 1000 },
        ],
      },
      "urgent",
    );
    await journal.write({ append: [ended], closedAlarms: [ended.body.alarmId] }, "urgent");
    return directory;
  }

  function spoil(directory: string, sql: string, ...values: readonly unknown[]): void {
    const db = new Database(join(directory, "journal.sqlite"));
    expect(db.prepare(sql).run(...values).changes).toBe(1);
    db.close();
  }

  test.each([
    ["of its content", "UPDATE alarm SET body = replace(body, 'night', 'right') WHERE alarm_id = ?"],
    ["of its revision", `UPDATE alarm SET body = replace(body, '"rev":2', '"rev":3') WHERE alarm_id = ?`],
    ["of its being open", "UPDATE alarm SET is_open = 0 WHERE alarm_id = ?"],
    ["of its device", "UPDATE alarm SET device = 'noise-11' WHERE alarm_id = ?"],
  ])("%s leaves an open alarm as its newest record says", async (_, sql) => {
    const directory = await written();
    spoil(directory, sql, standing.body.alarmId);
    await using second = await openJournal({ directory, ...small });
    expect(second.restored).toMatchObject({ damaged: { alarms: 1, levels: 0 } });
    expect(second.restored.openAlarms).toEqual([{ ...key, body: standing.body }]);
    expect(second.restored.recentAlarms).toEqual([{ ...key, body: ended.body }]);
    await second.close();
    await using third = await openJournal({ directory, ...small });
    expect(third.restored, "told once").not.toHaveProperty("damaged");
    expect(third.restored.openAlarms).toEqual([{ ...key, body: standing.body }]);
  });

  test("opens no alarm that is over", async () => {
    const directory = await written();
    spoil(directory, "UPDATE alarm SET is_open = 1 WHERE alarm_id = ?", ended.body.alarmId);
    await using second = await openJournal({ directory, ...small });
    expect(second.restored).toMatchObject({ damaged: { alarms: 1, levels: 0 } });
    expect(second.restored.openAlarms.map(({ body }) => body)).toEqual([standing.body]);
  });

  test("lets no wrong level into the minute", async () => {
    const directory = await written();
    spoil(directory, "UPDATE level SET level_db = 81.5 WHERE at_ms = ?", NOON_MS);
    await using second = await openJournal({ directory, ...small });
    expect(second.restored).toMatchObject({ damaged: { alarms: 0, levels: 1 }, levels: [{ atMs: NOON_MS + 1000 }] });
  });

  test("is passed over only in rows of a program that wrote no check", async () => {
    const directory = await written();
    const db = new Database(join(directory, "journal.sqlite"));
    db.exec("ALTER TABLE alarm DROP COLUMN crc; ALTER TABLE level DROP COLUMN crc");
    db.close();
    await using second = await openJournal({ directory, ...small });
    expect(second.restored).not.toHaveProperty("damaged");
    expect(second.restored.openAlarms).toEqual([{ ...key, body: standing.body }]);
    expect(second.restored.levels).toHaveLength(2);
  });
});

describe("a file that was set aside", () => {
  test("gives its alarms, receipts, open alarms and settings to the new one, each row under the seq that it had", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    const { run } = first.restored;
    const ended = anotherAlarm(1, { rev: 2, phase: "cleared" });
    await first.write({ append: [position(), anotherAlarm(1), ended] }, "urgent");
    await first.write({ append: [anotherAlarm(2)] }, "urgent");
    await first.write({ append: [position(), position()] }, "grouped");
    await first.write({ openAlarms: [{ device: "noise-01", subject: "", body: alarmBody(1) }] }, "urgent");
    first.markReceipted(run, [
      [1, 1],
      [4, 4],
    ]);
    await first.setSetting("custody.epoch", "e1");
    rotTree(directory, "story_alarm");
    await expect(first.write({ append: [alarm()] }, "urgent")).rejects.toMatchObject({ code: "JOURNAL_BROKEN" });
    await first.close().catch(() => {});

    await using second = await openJournal({ directory, ...small });
    expect(second.restored.setAside).toMatch(/broken/);
    expect(second.restored).toMatchObject({
      salvaged: { runs: 1, records: 3, isWhole: true },
      previous: { run, lastSeq: 6 },
      openAlarms: [{ body: alarmBody(1) }],
    });
    const rows = await second.read({ run, ranges: [[1, 9]], ...ALL });
    expect(rows.map(({ seq, bytes }) => [seq, JSON.parse(Buffer.from(bytes).toString()).body.rev])).toEqual([
      [2, 1],
      [3, 2],
    ]);
    expect((await second.helloContent()).runs).toContainEqual({ run, first: 1, head: 6 });
    expect(await second.lacking(run, [[1, 6]])).toEqual([
      [1, 1],
      [5, 6],
    ]);
    expect(await second.getSetting("custody.epoch")).toBe("e1");
    expect(second.restored.run).not.toBe(run);
    expect(await second.write({ append: [position(NOON_MS)] }, "grouped")).toEqual([1]);
  });

  test("gives every alarm that lies before, between and behind its damaged pages", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    const { run } = first.restored;
    await first.write({ append: Array.from({ length: 60 }, (_, n) => anotherAlarm(n + 1)) }, "urgent");
    await first.close();
    const file = join(directory, "journal.sqlite");
    const seqsOn = (page: number) => {
      const bytes = readFileSync(file).subarray((page - 1) * 4096, page * 4096);
      return Array.from({ length: 60 }, (_, at) => at + 1).filter((seq) => bytes.includes(`{"seq":${seq},`));
    };
    const db = new Database(file);
    const leaves = "SELECT pageno FROM dbstat WHERE name = 'record' AND pagetype = 'leaf' ORDER BY path";
    const pages = db.prepare(leaves).pluck().all() as number[];
    db.close();
    const spoilt = [pages[1], pages[3]].map(Number);
    const gone = new Set(spoilt.flatMap(seqsOn));
    expect([pages.length > 5, gone.size > 3, gone.has(1), gone.has(60)]).toEqual([true, true, false, false]);
    const fd = openSync(file, "r+");
    for (const page of spoilt) writeSync(fd, new Uint8Array(512).fill(0xa5), 0, 512, (page - 1) * 4096);
    closeSync(fd);
    writeFileSync(join(directory, "journal.broken"), "");

    await using second = await openJournal({ directory, ...small });
    expect(second.restored.salvaged).toEqual({ runs: 1, records: 60 - gone.size, isWhole: false });
    const rows = await second.read({ run, ranges: [[1, 60]], ...ALL });
    const left = Array.from({ length: 60 }, (_, at) => at + 1).filter((seq) => !gone.has(seq));
    expect(rows.map(({ seq }) => seq)).toEqual(left);
  });

  test.each([
    ["the file's head", (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(3) ^ 4, 3)],
    ["its page size", (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(16) ^ 1, 16)],
    ["its encoding", (bytes: Buffer) => bytes.writeUInt8(3, 59)],
    ["the definition of a table", (bytes: Buffer) => bytes.write("rvn_no", bytes.indexOf("run_no INTEGER"))],
    ["the kind of an entry", (bytes: Buffer) => bytes.write("uable", bytes.indexOf("tablerunrun"))],
    ["the name of a table", (bytes: Buffer) => bytes.write("seceipted", bytes.indexOf("receipted"))],
  ])("gives its alarms also where one bit of %s is lost, without which SQLite reads nothing", async (_, spoil) => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    const { run } = first.restored;
    await first.write({ append: Array.from({ length: 40 }, (_, n) => anotherAlarm(n + 1)) }, "urgent");
    await first.close();
    const file = join(directory, "journal.sqlite");
    const bytes = readFileSync(file);
    spoil(bytes);
    writeFileSync(file, bytes);
    expect(() =>
      new Database(file, { readonly: true }).prepare("SELECT * FROM run, receipted, record").all(),
    ).toThrow();

    await using second = await openJournal({ directory, ...small });
    expect(second.restored.setAside).toMatch(/broken/);
    expect(second.restored.salvaged).toMatchObject({ runs: 1, records: 40 });
    expect(await second.read({ run, ranges: [[1, 40]], ...ALL })).toHaveLength(40);
    expect(readdirSync(directory).filter((name) => name.includes("mended"))).toEqual([]);
    expect(readFileSync(join(directory, second.restored.setAside ?? "")).equals(bytes), "as it was").toBe(true);
  });

  test.each<[string, (directory: string, aside: string) => void]>([
    ["before its log had another name", (directory, aside) => backTo(directory, aside, "-wal")],
    ["before there was a new one", () => undefined],
    ["when the new one was empty", (directory) => new Database(join(directory, "journal.sqlite")).close()],
    ["when the new one held its tables", (directory) => openDatabase(directory, 1000).close()],
  ])("is taken over by the next start where this one was killed %s", async (_, goBack) => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    const { run } = first.restored;
    await first.write({ append: Array.from({ length: 5 }, (__, n) => anotherAlarm(n + 1)) }, "urgent");
    await first.write({ append: [position()] }, "grouped");
    // As a kill leaves it: with its log beside it.
    const copied = temporaryDirectory();
    for (const name of ["journal.sqlite", "journal.sqlite-wal"]) cpSync(join(directory, name), join(copied, name));
    await first.close();
    goBack(copied, setAside(copied, NOON_MS));

    const second = await openJournal({ directory: copied, ...small });
    expect(second.restored.salvaged).toEqual({ runs: 1, records: 5, isWhole: true });
    expect(await second.read({ run, ranges: [[1, 6]], ...ALL })).toHaveLength(5);
    expect((await second.helloContent()).runs).toContainEqual({ run, first: 1, head: 6 });
    await second.close();
    await using third = await openJournal({ directory: copied, ...small });
    expect(third.restored).not.toHaveProperty("setAside");
    expect((await third.helloContent()).runs).toHaveLength(3);
  });

  test("is no matter any more where it had not gone yet, or where somebody took it away", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    await first.write({ append: [anotherAlarm(1), position()] }, "urgent");
    await first.close();
    backTo(directory, setAside(directory, NOON_MS), "");
    await using second = await openJournal({ directory, ...small });
    expect(second.restored).not.toHaveProperty("setAside");
    expect(await second.read({ run: first.restored.run, ranges: [[1, 2]], ...ALL })).toHaveLength(2);
  });

  test("is taken over once: a start that was killed right after that finds it done, and says it again", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    await first.write({ append: [anotherAlarm(1)] }, "urgent");
    await first.close();
    const aside = setAside(directory, NOON_MS);
    const mark = readFileSync(join(directory, "journal.salvage"));
    const second = await openJournal({ directory, ...small });
    await second.close();
    writeFileSync(join(directory, "journal.salvage"), mark);
    await using third = await openJournal({ directory, ...small });
    expect(third.restored.setAside).toBe(aside);
    expect(third.restored).not.toHaveProperty("salvaged");
    expect((await third.helloContent()).runs.map(({ run }) => run)).toEqual([
      third.restored.run,
      second.restored.run,
      first.restored.run,
    ]);
    expect(existsSync(join(directory, "journal.salvage"))).toBe(false);
  });

  test.each([0, 66])("is not needed where the head has lost its version: it says %i then", async (version) => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    await first.write({ append: [anotherAlarm(1)] }, "urgent");
    await first.close();
    const db = new Database(join(directory, "journal.sqlite"));
    db.pragma(`user_version = ${version}`);
    db.close();
    await using second = await openJournal({ directory, ...small });
    expect(second.restored).not.toHaveProperty("setAside");
    expect(second.restored.previous).toEqual({ run: first.restored.run, lastSeq: 1 });
  });

  test("that cannot be read at all gives nothing, and what does not prove whole is not taken", async () => {
    const directory = temporaryDirectory();
    const first = await openJournal({ directory, ...small });
    await first.write({ append: [alarm(1), alarm(2)] }, "urgent");
    flip(directory, 2, "night-noise", "right-noise");
    rotTree(directory, "story_alarm");
    await first.write({ append: [alarm()] }, "urgent").catch(() => {});
    await first.close().catch(() => {});
    await using second = await openJournal({ directory, ...small });
    expect(second.restored.salvaged).toMatchObject({ records: 1, isWhole: false });
  });
});

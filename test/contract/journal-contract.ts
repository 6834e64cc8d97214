import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { CustodyJournal, StoredRecord } from "../../gateway/contracts/journal.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { decodeRecord } from "../../protocol/record-codec.ts";
import { alarm, alarmBody, health, NOON_MS, position } from "../gateway/journal/sample-records.ts";

const ALL_LANES = [0, 1, 2, 3, 4] as const;
const EVERYTHING = { lanes: ALL_LANES, maxRecords: 1000, maxBytes: 1_000_000 };

/** What every journal promises. `open` opens the same place again each time that it is called within one test. */
export function journalContract(name: string, place: () => { open(nowMs?: number): Promise<CustodyJournal> }): void {
  describe(`${name} keeps the journal's promises`, () => {
    test("seqs begin at 1, follow one another and are given in order of the append", async () => {
      await using journal = await place().open();
      expect(await journal.write({ append: [position(), position()] }, "grouped")).toEqual([1, 2]);
      expect(await journal.write({ append: [alarm()] }, "urgent")).toEqual([3]);
      expect(await journal.runs()).toEqual([{ run: journal.restored.run, first: 1, head: 3 }]);
    });

    test("what is read is what was hashed and committed, and decodes to the record", async () => {
      await using journal = await place().open();
      const heard: StoredRecord[] = [];
      journal.onCommitted((committed) => heard.push(...committed));
      await journal.write({ append: [position(), alarm()] }, "grouped");
      const read = await journal.read({ run: journal.restored.run, ranges: [[1, 9]], ...EVERYTHING });
      expect(read.map((row) => Buffer.from(row.bytes).toString())).toEqual(
        heard.map((row) => Buffer.from(row.bytes).toString()),
      );
      expect(read.map(({ seq, lane, upMs }) => ({ seq, lane, upMs }))).toEqual([
        { seq: 1, lane: 2, upMs: 1000 },
        { seq: 2, lane: 0, upMs: 2000 },
      ]);
      const last = read[1];
      expect(last && decodeRecord(last.bytes)).toMatchObject({ ok: true, record: { seq: 2, ...alarm() } });
      const expected = createHash("sha256")
        .update(last?.bytes ?? "")
        .digest("hex");
      expect(await journal.hash(journal.restored.run, 2)).toBe(expected);
      expect(await journal.hash(journal.restored.run, 3)).toBeUndefined();
    });

    test("reading honours lanes, count and bytes, and gives at least one row", async () => {
      await using journal = await place().open();
      const { run } = journal.restored;
      await journal.write({ append: [position(), alarm(), position(), position()] }, "grouped");
      const seqs = async (query: object) =>
        (await journal.read({ run, ranges: [[1, 10]], ...EVERYTHING, ...query })).map((row) => row.seq);
      expect(await seqs({ lanes: [0, 1] })).toEqual([2]);
      expect(await seqs({ maxRecords: 2 })).toEqual([1, 2]);
      expect(await seqs({ maxBytes: 1 })).toEqual([1]);
      expect(
        await seqs({
          ranges: [
            [3, 3],
            [1, 1],
          ],
        }),
      ).toEqual([1, 3]);
      expect(await seqs({ run: "unknown" })).toEqual([]);
    });

    test("what has its receipt is not read again, also after a restart, unless asked for", async () => {
      const here = place();
      const first = await here.open();
      const { run } = first.restored;
      await first.write({ append: [position(), position(), position()] }, "grouped");
      first.markReceipted(run, [[1, 2]]);
      const query = { run, ranges: [[1, 3]] as [number, number][], ...EVERYTHING };
      expect((await first.read(query)).map((row) => row.seq)).toEqual([3]);
      await first.close();
      await using second = await here.open();
      expect((await second.read(query)).map((row) => row.seq)).toEqual([3]);
      expect((await second.read({ ...query, includeReceipted: true })).map((row) => row.seq)).toEqual([1, 2, 3]);
    });

    test("a receipt for seqs that were never written marks nothing that comes later", async () => {
      await using journal = await place().open();
      const { run } = journal.restored;
      await journal.write({ append: [position()] }, "grouped");
      journal.markReceipted(run, [[1, 5]]);
      await journal.write({ append: [position()] }, "grouped");
      const read = await journal.read({ run, ranges: [[1, 5]], ...EVERYTHING });
      expect(read.map((row) => row.seq)).toEqual([2]);
    });

    test("each start is a new run; the earlier ones stay listed, newest first, also the empty", async () => {
      const here = place();
      const first = await here.open();
      await first.write({ append: [position()] }, "grouped");
      await first.close();
      const second = await here.open();
      await second.close();
      await using third = await here.open();
      expect(second.restored.previous).toEqual({ run: first.restored.run, lastSeq: 1 });
      expect(third.restored).toMatchObject({ wasClean: true, previous: { run: second.restored.run, lastSeq: 0 } });
      expect(await third.runs()).toEqual([
        { run: third.restored.run, first: 1, head: 0 },
        { run: second.restored.run, first: 1, head: 0 },
        { run: first.restored.run, first: 1, head: 1 },
      ]);
      expect(new Set((await third.runs()).map(({ run }) => run)).size).toBe(3);
    });

    test("open alarms are restored as their newest revision said; a cleared one is recent for ten minutes", async () => {
      const here = place();
      const first = await here.open();
      const open = { device: "noise-01", subject: "", body: alarmBody(1) };
      await first.write({ append: [alarm(1)], openAlarms: [open] }, "urgent");
      await first.write({ openAlarms: [{ ...open, body: alarmBody(2, "updated") }] }, "grouped");
      await first.close();
      const second = await here.open();
      expect(second.restored.openAlarms).toEqual([{ ...open, body: alarmBody(2, "updated") }]);
      const clearedAtMs = NOON_MS + 60_000;
      const cleared = alarm(3, "cleared", clearedAtMs);
      await second.write({ append: [cleared], closedAlarms: [open.body.alarmId] }, "urgent");
      await second.close();
      const third = await here.open(clearedAtMs + 9 * 60_000);
      expect(third.restored.openAlarms).toEqual([]);
      expect(third.restored.recentAlarms).toEqual([{ ...open, body: cleared.body }]);
      await third.close();
      await using fourth = await here.open(clearedAtMs + 11 * 60_000);
      expect(fourth.restored.recentAlarms).toEqual([]);
    });

    test("levels of an unfinished minute are restored until they are dropped", async () => {
      const here = place();
      const first = await here.open();
      const level = { device: "noise-01", quantity: "LAeq1s" };
      const levels = [
        { ...level, atMs: NOON_MS, levelDb: 53.6, flags: [] },
        { ...level, atMs: NOON_MS + 1000, levelDb: null, flags: ["no-data", "weather"] },
      ];
      await first.write({ levels }, "grouped");
      await first.close();
      const second = await here.open();
      expect(second.restored.levels).toEqual(levels);
      await second.write({ dropLevelsBefore: [{ device: "noise-01", atMs: NOON_MS + 1000 }] }, "grouped");
      await second.close();
      await using third = await here.open();
      expect(third.restored.levels).toEqual([levels[1]]);
    });

    test("settings survive; lacking names exactly what was never or is no longer held", async () => {
      const here = place();
      const first = await here.open();
      await first.setSetting("bridge", "b1");
      await first.setSetting("bridge", "b2");
      await first.write({ append: [position()] }, "grouped");
      await first.close();
      await using second = await here.open();
      expect(await second.getSetting("bridge")).toBe("b2");
      expect(await second.getSetting("other")).toBeUndefined();
      expect(await second.lacking(first.restored.run, [[1, 3]])).toEqual([[2, 3]]);
      expect(await second.lacking("unknown", [[1, 3]])).toEqual([[1, 3]]);
    });

    test("a body that is too large refuses its own write and none that was grouped with it", async () => {
      await using journal = await place().open();
      const huge = { ...alarm(), kind: "alarm" as const, body: { ...alarmBody(), rule: "x".repeat(5000) } };
      const outcomes = await Promise.allSettled([
        journal.write({ append: [position()] }, "grouped"),
        journal.write({ append: [huge] }, "grouped"),
        journal.write({ append: [position()] }, "grouped"),
      ]);
      expect(outcomes).toMatchObject([
        { status: "fulfilled", value: [1] },
        { status: "rejected", reason: { code: "BODY_TOO_LARGE" } },
        { status: "fulfilled", value: [2] },
      ]);
    });

    test("another epoch of the bridge makes all earlier marks void, also after a restart", async () => {
      const here = place();
      const first = await here.open();
      const { run } = first.restored;
      await first.write({ append: [position(), position()] }, "grouped");
      first.markReceipted(run, [[1, 2]]);
      await first.beginCustody("e2");
      first.markReceipted(run, [[2, 2]]);
      await first.close();
      await using second = await here.open();
      expect((await second.read({ run, ranges: [[1, 2]], ...EVERYTHING })).map((row) => row.seq)).toEqual([1]);
      expect(await second.getSetting("custody.epoch")).toBe("e2");
    });

    test("hello names all runs and the alarms that are open; sheds are listed until they have their receipt", async () => {
      await using journal = await place().open();
      const { run } = journal.restored;
      const shed = { run: "A".repeat(22), ranges: [[1, 3]] as [number, number][], reason: "expired" as const };
      await journal.write({ append: [{ ...position(), kind: "shed", body: shed }, alarm()] }, "grouped");
      await journal.write({ openAlarms: [{ device: "noise-01", subject: "", body: alarmBody() }] }, "urgent");
      expect(await journal.helloContent()).toEqual({ runs: [{ run, first: 1, head: 2 }], open: [alarmBody().alarmId] });
      expect(await journal.unreceiptedSheds()).toEqual([shed]);
      journal.markReceipted(run, [[1, 1]]);
      expect(await journal.unreceiptedSheds()).toEqual([]);
    });

    test("statistics count what waits, by lane, and follow receipts", async () => {
      const here = place();
      const first = await here.open();
      await first.write({ append: [position()] }, "grouped");
      await first.close();
      await using journal = await here.open();
      await journal.write({ append: [position(), alarm()] }, "grouped");
      expect(await journal.statistics()).toMatchObject({
        records: 3,
        unreceipted: 3,
        laneDepth: [1, 0, 1, 0, 1],
        oldestUnreceipted: { isOfThisRun: false, atMs: NOON_MS, isTimeTrusted: true },
        runs: 2,
        full: false,
      });
      journal.markReceipted(first.restored.run, [[1, 1]]);
      journal.markReceipted(journal.restored.run, [[2, 2]]);
      expect(await journal.statistics()).toMatchObject({ records: 3, unreceipted: 1, laneDepth: [0, 0, 1, 0, 0] });
    });

    test("lane 1 holds the newest health alone, of whichever run; older ones wait in lane 4 with the bytes they had", async () => {
      const here = place();
      const first = await here.open();
      const old = first.restored.run;
      const heard: StoredRecord[] = [];
      first.onCommitted((committed) => heard.push(...committed));
      expect((await first.statistics()).laneDepth).toEqual([0, 0, 0, 0, 0]);
      // Two in one commit, and then one alone; what is no health keeps its lane.
      await first.write({ append: [health(), time(), position(), health()] }, "grouped");
      expect(heard.map(({ lane }) => lane)).toEqual([4, 1, 2, 1]);
      await first.write({ append: [health()] }, "grouped");
      expect(await lanes(first, old)).toEqual([4, 1, 2, 4, 1]);
      expect((await first.statistics()).laneDepth).toEqual([0, 2, 1, 0, 2]);
      await first.close();

      // A run that ended before its first health hides nothing.
      await (await here.open()).close();

      await using journal = await here.open();
      const { run } = journal.restored;
      expect((await journal.statistics()).laneDepth).toEqual([0, 2, 0, 0, 3]);
      expect(await lanes(journal, old)).toEqual([4, 1, 2, 4, 1]);
      await journal.write({ append: [health()] }, "grouped");
      expect(await lanes(journal, old)).toEqual([4, 1, 2, 4, 4]);
      expect((await journal.statistics()).laneDepth).toEqual([0, 2, 0, 0, 4]);
      const rows = await journal.read({ run: old, ranges: [[1, 9]], ...EVERYTHING });
      expect(rows.map((row) => Buffer.from(row.bytes).toString())).toEqual(
        heard.map((row) => Buffer.from(row.bytes).toString()),
      );

      // One that has its receipt moves too, and is not counted; a refused newer one moves nothing.
      journal.markReceipted(run, [[1, 1]]);
      journal.markReceipted(old, [[1, 1]]);
      expect((await journal.statistics()).laneDepth).toEqual([0, 1, 0, 0, 3]);
      const huge = health({ ["x".repeat(9000)]: "online" });
      await expect(journal.write({ append: [huge] }, "grouped")).rejects.toMatchObject({ code: "BODY_TOO_LARGE" });
      expect(await lanes(journal, run)).toEqual([1]);
      await journal.write({ append: [health()] }, "grouped");
      expect(await lanes(journal, run)).toEqual([4, 1]);
      expect((await journal.statistics()).laneDepth).toEqual([0, 2, 0, 0, 3]);

      // Counted anew, the same.
      await journal.beginCustody("e2");
      expect((await journal.statistics()).laneDepth).toEqual([0, 2, 0, 0, 5]);
    });
  });
}

async function lanes(journal: CustodyJournal, run: string): Promise<number[]> {
  const rows = await journal.read({ run, ranges: [[1, 99]], ...EVERYTHING, includeReceipted: true });
  return rows.map(({ lane }) => lane);
}

function time(): NewRecord {
  const body = { upMs: 3000, utcMs: NOON_MS, quality: "ntp" as const };
  return { upMs: 3000, atMs: NOON_MS, timeQuality: "ntp", kind: "time", body };
}

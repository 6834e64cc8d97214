import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GatewayError } from "../../../gateway/contracts/gateway-error.ts";
import type { JournalWrite } from "../../../gateway/contracts/journal.ts";
import { HoldingWriter } from "../../../gateway/journal/holding-writer.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { alarm, alarmBody, position } from "./sample-records.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A disk that refuses what it is told to refuse. */
function disk() {
  const taken: JournalWrite[] = [];
  let refuse: ((write: JournalWrite, urgency: string) => string | undefined) | undefined;
  const log = new QuietLog();
  let broken = 0;
  let late: Promise<void> | undefined;
  const writer = new HoldingWriter(
    {
      write: async (write, urgency) => {
        const code = refuse?.(write, urgency);
        await late;
        if (code !== undefined) throw new GatewayError(code, "the disk says no", { hint: "buy another" });
        taken.push(write);
        return [];
      },
    },
    log,
    () => {
      broken += 1;
    },
  );
  return {
    writer,
    taken,
    log,
    broken: () => broken,
    /** Answers come only once the returned function is called; what they say is decided at once. */
    answerLate: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      late = promise;
      return resolve;
    },
    refuse: (when: typeof refuse) => {
      refuse = when;
    },
  };
}

const minute = (): JournalWrite => ({ append: [position()] });
const raised = (): JournalWrite => ({ append: [alarm()] });

describe("while the disk refuses", () => {
  test("writes wait in order and go once it takes them again; the trouble is said once, and its end", async () => {
    const { writer, taken, log, refuse } = disk();
    refuse(() => "JOURNAL_FULL");
    const waiting = [minute(), raised(), minute()];
    for (const write of waiting) expect(await writer.write(write, "grouped")).toBe(false);
    expect(writer.facts).toMatchObject({
      heldWrites: 3,
      lostWrites: 0,
      fault: { code: "JOURNAL_FULL", hint: "buy another" },
    });
    refuse(undefined);
    const late = minute();
    expect(await writer.write(late, "grouped")).toBe(false);
    await vi.advanceTimersByTimeAsync(2000);
    expect(taken).toEqual([...waiting, late]);
    expect(writer.facts).toEqual({ heldWrites: 0, lostWrites: 0 });
    expect(log.lines.map(({ level }) => level)).toEqual(["error", "info"]);
  });

  test("alarms do not wait behind what the reserve is not for", async () => {
    const { writer, taken, refuse } = disk();
    refuse((_, urgency) => (urgency === "grouped" ? "JOURNAL_FULL" : undefined));
    await writer.write(minute(), "grouped");
    const alarmed = raised();
    expect(await writer.write(alarmed, "urgent")).toBe(true);
    expect(taken).toEqual([alarmed]);
  });

  test("what waits is bounded: the oldest goes first, and is counted", async () => {
    const { writer, taken, refuse } = disk();
    refuse(() => "JOURNAL_READ_ONLY");
    for (let n = 0; n < 2010; n += 1) await writer.write(minute(), "grouped");
    expect(writer.facts).toMatchObject({ heldWrites: 2000, lostWrites: 10 });
    refuse(undefined);
    await vi.advanceTimersByTimeAsync(2000);
    expect(taken).toHaveLength(2000);
  });

  test("seconds of an unfinished minute are not kept: they are still in memory", async () => {
    const { writer, refuse } = disk();
    refuse(() => "JOURNAL_FULL");
    const level = { device: "noise-01", atMs: 0, levelDb: 50, quantity: "LAeq1s", flags: [] };
    await writer.write({ levels: [level] }, "grouped");
    expect(writer.facts).toMatchObject({ heldWrites: 0, fault: { code: "JOURNAL_FULL" } });
    refuse(undefined);
    await writer.write({ levels: [level] }, "grouped");
    expect(writer.facts.fault).toBeUndefined();
  });
});

describe("alarms keep their order", () => {
  const opened = (rev: number): JournalWrite => ({
    append: [alarm(rev, rev === 1 ? "raised" : "updated")],
    openAlarms: [{ device: "noise-01", subject: "", body: alarmBody(rev) }],
  });
  const cleared = (rev: number): JournalWrite => ({
    append: [alarm(rev, "cleared")],
    closedAlarms: [alarmBody().alarmId],
  });

  test("a raise that is refused late does not commit after the clearing that followed it", async () => {
    const { writer, taken, refuse, answerLate } = disk();
    refuse(() => "JOURNAL_FULL");
    const answer = answerLate();
    const raise = opened(1);
    const clear = cleared(2);
    const both = [writer.write(raise, "urgent")];
    // The disk has room again before the refusal is heard of.
    refuse(undefined);
    both.push(writer.write(clear, "urgent"));
    answer();
    expect(await Promise.all(both)).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(taken).toEqual([raise, clear]);
    expect(writer.handOver()).toEqual({ writes: [], openAlarms: [] });
  });

  test("what must be given up is what a later revision tells again, never an alarm", async () => {
    const { writer, taken, refuse } = disk();
    refuse(() => "JOURNAL_READ_ONLY");
    const first = { ...opened(1), append: [{ ...alarm(1), body: { ...alarmBody(1), alarmId: "other" } } as never] };
    await writer.write(first, "urgent");
    for (let rev = 1; rev <= 2100; rev += 1) await writer.write(opened(rev), "urgent");
    expect(writer.facts).toMatchObject({ heldWrites: 2000, lostWrites: 0 });
    refuse(undefined);
    await vi.advanceTimersByTimeAsync(2000);
    expect(taken).toHaveLength(2000);
    expect(taken[0]).toEqual(first);
    expect(taken.at(-1)).toEqual(opened(2100));
  });

  test("what a broken or ended journal does not take is handed over, with all alarms that are open", async () => {
    for (const code of ["JOURNAL_BROKEN", "JOURNAL_CLOSED"]) {
      const { writer, taken, refuse, broken } = disk();
      await writer.write(opened(1), "urgent");
      refuse(() => code);
      const update = opened(2);
      expect(await writer.write(update, "urgent")).toBe(false);
      expect(broken()).toBe(1);
      // Nothing more goes into a file that is set aside.
      refuse(undefined);
      const later = minute();
      await writer.write(later, "grouped");
      await vi.advanceTimersByTimeAsync(10_000);
      await writer.stop();
      expect(taken).toEqual([opened(1)]);
      expect(writer.handOver()).toEqual({
        writes: [
          { write: update, urgency: "urgent" },
          { write: later, urgency: "grouped" },
        ],
        openAlarms: update.openAlarms,
      });
      expect(writer.facts).toMatchObject({ heldWrites: 2, lostWrites: 0, fault: { code } });
    }
  });

  test("a stop waits for the alarms that are on their way", async () => {
    const { writer, taken } = disk();
    void writer.write(opened(1), "urgent");
    void writer.write(cleared(2), "urgent");
    await writer.stop();
    expect(taken).toEqual([opened(1), cleared(2)]);
  });
});

test.each([["SQLITE_BUSY"], ["ENOENT"], ["SQLITE_PROTOCOL"]])(
  "%s passes: an alarm that it meets waits and is written",
  async (code) => {
    const { writer, taken, refuse } = disk();
    refuse(() => code);
    expect(await writer.write(raised(), "urgent")).toBe(false);
    expect(writer.facts).toMatchObject({ heldWrites: 1, lostWrites: 0, fault: { code } });
    refuse(undefined);
    await vi.advanceTimersByTimeAsync(3000);
    expect(taken).toHaveLength(1);
    expect(writer.facts).toMatchObject({ heldWrites: 0, lostWrites: 0 });
  },
);

test("a write that can never be taken is given up and said; a broken journal is reported", async () => {
  const { writer, log, refuse, broken } = disk();
  refuse(() => "BODY_TOO_LARGE");
  expect(await writer.write(minute(), "grouped")).toBe(false);
  expect(writer.facts).toMatchObject({ heldWrites: 0, lostWrites: 1 });
  expect(log.lines).toHaveLength(1);
  expect(broken()).toBe(0);
  refuse(() => "JOURNAL_BROKEN");
  await writer.write(raised(), "urgent");
  expect(broken()).toBe(1);
});

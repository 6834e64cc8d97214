import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clockFacts, markedMs, NO_MARKS, type TimeMark, withMark } from "../../../cloud-bridge/store/time-marks.ts";

const T0 = 1_763_500_000_000;
const mark = (seq: number, upMs: number, utcMs: number, quality: TimeMark["quality"] = "ntp"): TimeMark => ({
  seq,
  upMs,
  utcMs,
  quality,
});
const marksOf = (...all: TimeMark[]) => all.reduce((marks, next) => withMark(marks, next).marks, NO_MARKS);

describe("what a run's time records say", () => {
  test("the first true word dates all before it, however long the node knew no better", () => {
    const { marks, redated } = withMark(NO_MARKS, mark(500, 86_400_000, T0));
    expect(redated).toEqual([{ from: 1, to: Number.MAX_SAFE_INTEGER - 1, offsetMs: T0 - 86_400_000 }]);
    expect(markedMs(marks, { seq: 1, upMs: 0 })).toBe(T0 - 86_400_000);
    expect(markedMs(NO_MARKS, { seq: 1, upMs: 0 })).toBeUndefined();
  });

  test("a clock that is set ahead and back dates only what follows each, and is said to have been set twice", () => {
    const marks = marksOf(mark(1, 0, T0), mark(50, 60_000, T0 + 3_660_000), mark(80, 120_000, T0 + 120_000));
    expect([10, 60, 90].map((seq) => markedMs(marks, { seq, upMs: 0 }))).toEqual([T0, T0 + 3_600_000, T0]);
    expect(clockFacts(marks)).toEqual({ quality: "ntp", jumps: 2 });
  });

  test("what a battery clock said goes once a better one has spoken, and does not come back", () => {
    const wrong = mark(1, 0, T0 - 86_400_000, "rtc");
    const { marks, redated } = withMark(marksOf(wrong), mark(9, 30_000, T0 + 30_000, "gnss"));
    expect(redated).toEqual([{ from: 1, to: Number.MAX_SAFE_INTEGER - 1, offsetMs: T0 }]);
    expect(marks).toEqual([mark(9, 30_000, T0 + 30_000, "gnss")]);
    expect(withMark(marks, mark(20, 40_000, T0 - 5_000, "rtc"))).toEqual({ marks, redated: [] });
  });

  test("a crystal's drift is followed word by word and is no jump", () => {
    const perHourMs = 180;
    let marks = NO_MARKS;
    for (let hour = 0; hour <= 240; hour += 1) {
      marks = withMark(marks, mark(hour * 60 + 1, hour * 3_600_000, T0 + hour * (3_600_000 + perHourMs))).marks;
    }
    expect(clockFacts(marks).jumps).toBe(0);
    const lastMs = markedMs(marks, { seq: 240 * 60 + 30, upMs: 240 * 3_600_000 }) ?? 0;
    expect(Math.abs(lastMs - (T0 + 240 * (3_600_000 + perHourMs)))).toBeLessThanOrEqual(100);
  });

  test("a clock that flaps for ever keeps a bounded list", () => {
    let marks = NO_MARKS;
    for (let i = 1; i <= 3_000; i += 1) marks = withMark(marks, mark(i, i * 1_000, T0 + (i % 2) * 3_600_000)).marks;
    expect(marks.length).toBeLessThanOrEqual(500);
    expect(marks[0]?.seq).toBe(1);
  });

  test("in whatever order the words come, each record is dated alike, and redating tells of every row that it moves", () => {
    const spaced = fc.uniqueArray(
      fc.record({ seq: fc.integer({ min: 1, max: 200 }), jump: fc.integer({ min: 0, max: 9 }) }),
      {
        selector: ({ seq }) => seq,
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(spaced, fc.integer(), (words, salt) => {
        const all = words.map(({ seq, jump }, i) =>
          mark(seq, seq * 1_000, T0 + seq * 1_000 + jump * 60_000 + i * 700_000),
        );
        const shuffled = [...all].sort((a, b) => ((a.seq * 7919 + salt) % 101) - ((b.seq * 7919 + salt) % 101));
        const rows = new Map<number, number | undefined>();
        let marks = NO_MARKS;
        for (const next of shuffled) {
          const taken = withMark(marks, next);
          marks = taken.marks;
          for (const { from, to, offsetMs } of taken.redated) {
            for (let seq = from; seq <= Math.min(to, 200); seq += 1) rows.set(seq, seq * 1_000 + offsetMs);
          }
        }
        const ordered = marksOf(...[...all].sort((a, b) => a.seq - b.seq));
        for (let seq = 1; seq <= 200; seq += 1) {
          const datedMs = markedMs(ordered, { seq, upMs: seq * 1_000 });
          expect(markedMs(marks, { seq, upMs: seq * 1_000 })).toBe(datedMs);
          expect(rows.get(seq)).toBe(datedMs);
        }
      }),
    );
  });
});

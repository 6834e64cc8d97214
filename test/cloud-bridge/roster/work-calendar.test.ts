import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { Calendar } from "../../../cloud-bridge/api/schema/calendars.ts";
import {
  assertCalendar,
  defaultCalendar,
  dueAtMs,
  isWorkingTime,
  type Pause,
  type WorkCalendar,
  workingMs,
} from "../../../cloud-bridge/roster/work-calendar.ts";
import { localTimeToUtcMs } from "../../../protocol/local-time.ts";

const ROOT = join(import.meta.dirname, "../../..");
const shipped: unknown = JSON.parse(readFileSync(join(ROOT, "config/calendars/china-2026.json"), "utf8"));
if (!Value.Check(Calendar, shipped)) throw new Error("config/calendars/china-2026.json does not fit its schema");
const CHINA: WorkCalendar = shipped;
const NIGHTS: WorkCalendar = {
  timeZone: "Europe/Berlin",
  week: {
    ...Object.fromEntries(["mon", "tue", "wed", "thu", "fri"].map((day) => [day, [{ from: "08:00", to: "16:30" }]])),
    // Over both changes of the clock.
    sat: [{ from: "22:00", to: "24:00" }],
    sun: [
      { from: "00:00", to: "02:30" },
      { from: "02:30", to: "06:00" },
    ],
  },
  holidays: [{ date: "2026-12-25" }, { date: "2026-05-01" }],
  makeUpDays: [{ date: "2026-10-03", like: "mon" }],
};
const HOUR_MS = 3600_000;

function at(text: string, { timeZone }: WorkCalendar = CHINA): number {
  const atMs = localTimeToUtcMs(text, timeZone);
  if (atMs === undefined) throw new Error(`no such time: ${text}`);
  return atMs;
}
const due = (term: Parameters<typeof dueAtMs>[1], start: string, pauses: readonly Pause[] = []) =>
  dueAtMs(CHINA, term, at(start), pauses);

describe("working time", () => {
  test("of a Thursday before the National Day goes on a week later, on a Saturday that is worked for it", () => {
    const hours = (n: number) => ({ clock: "working", minutes: n * 60 }) as const;
    expect(due(hours(2), "2026-09-30T17:00")).toBe(at("2026-10-08T10:00"));
    expect(due(hours(1), "2026-09-30T11:30")).toBe(at("2026-09-30T13:30"));
    expect(due(hours(1), "2026-09-30T17:00")).toBe(at("2026-09-30T18:00"));
    expect(due(hours(17), "2026-10-08T09:00")).toBe(at("2026-10-10T10:00"));
    expect(due(hours(0), "2026-10-03T12:00")).toBe(at("2026-10-03T12:00"));
    expect(isWorkingTime(CHINA, at("2026-10-10T09:00"))).toBe(true);
    expect(isWorkingTime(CHINA, at("2026-10-10T12:00"))).toBe(false);
    expect(isWorkingTime(CHINA, at("2026-10-01T09:00"))).toBe(false);
  });

  test("in days ends with the n-th working day after that of the start", () => {
    const days = (n: number) => ({ clock: "working-days", days: n }) as const;
    expect(due(days(1), "2026-09-30T08:00")).toBe(at("2026-10-08T18:00"));
    expect(due(days(3), "2026-10-08T23:00")).toBe(at("2026-10-12T18:00"));
    expect(due(days(7), "2026-02-13T10:00")).toBe(at("2026-03-02T18:00"));
    expect(due({ clock: "wall", minutes: 30 }, "2026-10-01T23:45")).toBe(at("2026-10-02T00:15"));
  });

  test("stands still in a pause, and is never over while one has no end", () => {
    const lunch = [{ fromMs: at("2026-10-08T11:00"), toMs: at("2026-10-08T14:00") }];
    expect(due({ clock: "working", minutes: 180 }, "2026-10-08T10:00", lunch)).toBe(at("2026-10-08T16:00"));
    const week = [{ fromMs: at("2026-10-12T00:00"), toMs: at("2026-10-17T00:00") }];
    expect(due({ clock: "working-days", days: 2 }, "2026-10-10T10:00", week)).toBe(at("2026-10-20T18:00"));
    const open = [{ fromMs: at("2026-10-08T11:00") }];
    for (const term of [
      { clock: "working", minutes: 61 },
      { clock: "wall", minutes: 61 },
      { clock: "working-days", days: 1 },
    ] as const) {
      expect(due(term, "2026-10-08T10:00", open)).toBeUndefined();
    }
    expect(due({ clock: "working", minutes: 60 }, "2026-10-08T10:00", open)).toBe(at("2026-10-08T11:00"));
  });

  test("loses an hour in spring and gains one in autumn, by the clock on the wall", () => {
    const span = (from: string, to: string) => workingMs(NIGHTS, at(from, NIGHTS), at(to, NIGHTS)) / HOUR_MS;
    expect(span("2026-03-21T22:00", "2026-03-22T06:00")).toBe(8);
    expect(span("2026-03-28T22:00", "2026-03-29T06:00")).toBe(7);
    expect(span("2026-10-24T22:00", "2026-10-25T06:00")).toBe(9);
    expect(span("2026-10-03T00:00", "2026-10-03T12:00")).toBe(4);
    expect(span("2026-12-25T00:00", "2026-12-26T00:00")).toBe(0);
  });

  for (const calendar of [CHINA, NIGHTS]) {
    const first = at("2026-01-01T00:00", calendar);
    const start = fc.integer({ min: 0, max: 365 * 24 * 60 }).map((minute) => first + minute * 60_000);
    const pauses = fc.array(
      fc.record({ from: fc.integer({ min: 0, max: 20_000 }), length: fc.integer({ min: -10, max: 6000 }) }),
      { maxLength: 4 },
    );
    const laid = (startMs: number, drawn: { from: number; length: number }[]): Pause[] =>
      drawn.map(({ from, length }) => {
        const fromMs = startMs + (from - 3000) * 60_000;
        return { fromMs, toMs: fromMs + length * 60_000 };
      });
    const minutes = fc.integer({ min: 1, max: 60 * 120 });

    test(`${calendar.timeZone}: exactly the term lies between start and due, whatever the pauses`, () => {
      fc.assert(
        fc.property(start, minutes, pauses, (startMs, length, drawn) => {
          const paused = laid(startMs, drawn);
          const dueMs = dueAtMs(calendar, { clock: "working", minutes: length }, startMs, paused) ?? Number.NaN;
          expect(workingMs(calendar, startMs, dueMs, paused)).toBe(length * 60_000);
          // The last minute is a working minute outside of every pause: nothing is due in the night.
          expect(isWorkingTime(calendar, dueMs - 1)).toBe(true);
          const isPaused = ({ fromMs, toMs = 0 }: Pause) => fromMs <= dueMs - 1 && dueMs - 1 < toMs;
          expect(paused.some(isPaused)).toBe(false);
        }),
        { numRuns: 150 },
      );
    });

    test(`${calendar.timeZone}: a longer term or a longer pause is never due earlier, and terms add up`, () => {
      fc.assert(
        fc.property(start, minutes, minutes, pauses, (startMs, one, other, drawn) => {
          const paused = laid(startMs, drawn);
          const of = (length: number, from = startMs, given = paused) =>
            dueAtMs(calendar, { clock: "working", minutes: length }, from, given) ?? Number.NaN;
          expect(of(one + other)).toBeGreaterThan(of(one));
          expect(of(one)).toBeGreaterThanOrEqual(of(one, startMs, []));
          expect(of(other, of(one))).toBe(of(one + other));
          const days = dueAtMs(calendar, { clock: "working-days", days: 3 }, startMs, paused) ?? 0;
          expect(days).toBeGreaterThanOrEqual(dueAtMs(calendar, { clock: "working-days", days: 3 }, startMs) ?? 0);
        }),
        { numRuns: 100 },
      );
    });
  }
});

test("a calendar that contradicts itself is refused with what is wrong", () => {
  const plain = defaultCalendar("Asia/Shanghai");
  const refused: [WorkCalendar, string][] = [
    [{ ...plain, timeZone: "Asia/Bejing" }, "there is no time zone Asia/Bejing"],
    [{ ...plain, week: {} }, "nobody ever works"],
    [
      { ...plain, week: { mon: [{ from: "12:00", to: "09:00" }] } },
      "mon: 12:00–09:00 does not follow what stands before it",
    ],
    [
      {
        ...plain,
        week: {
          fri: [
            { from: "09:00", to: "12:00" },
            { from: "11:00", to: "13:00" },
          ],
        },
      },
      "fri: 11:00–13:00 does not follow what stands before it",
    ],
    [{ ...plain, holidays: [{ date: "2026-02-30" }] }, "there is no day 2026-02-30"],
    [
      { ...plain, holidays: [{ date: "2026-10-10" }], makeUpDays: [{ date: "2026-10-10" }] },
      "2026-10-10 stands in it twice",
    ],
  ];
  for (const [calendar, message] of refused) expect(() => assertCalendar(calendar)).toThrow(message);
  const noDay: WorkCalendar = { timeZone: "UTC", week: {} };
  expect(() => dueAtMs(noDay, { clock: "working", minutes: 1 }, 0)).toThrow("no working time within ten years");
  expect(() => dueAtMs(noDay, { clock: "working-days", days: 1 }, 0)).toThrow("no working time within ten years");
});

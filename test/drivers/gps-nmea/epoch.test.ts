import { expect, test } from "vitest";
import { EpochAssembler } from "../../../drivers/gps-nmea/epoch.ts";

const HOUR_MS = 3_600_000;

/** Times of day in hours, one epoch each; only the first has a date. @returns what UTC each is given, in hours of that day */
function utcHours(...hours: readonly number[]): (number | undefined)[] {
  const assembler = new EpochAssembler(5);
  return hours.map((hour, index) => {
    const date = { year: 2026, month: 11, day: 21, hasCentury: true };
    assembler.add({ timeOfDayMs: hour * HOUR_MS, ...(index === 0 && { date }) }, "GP", index === 0 ? "ZDA" : "GGA");
    const utcMs = assembler.close()?.utcMs;
    return utcMs === undefined ? undefined : (utcMs - Date.UTC(2026, 10, 21)) / HOUR_MS;
  });
}

test("a date told once goes on over midnight, and an epoch that was overtaken is not of the next day", () => {
  expect(utcHours(23.5, 23.75, 0.25, 0.5)).toEqual([23.5, 23.75, 24.25, 24.5]);
  expect(utcHours(12, 12.5, 12.499, 12.75)).toEqual([12, 12.5, 12.499, 12.75]);
  expect(utcHours(23.5, 0.001, 23.999, 0.5)).toEqual([23.5, 24.001, 23.999, 24.5]);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { dayNightLevels } from "../../../../gateway/pipeline/acoustics/day-night.ts";
import { findingLevels, validPct } from "../../../../gateway/pipeline/acoustics/finding-levels.ts";
import { type LevelSample, laeqDb } from "../../../../gateway/pipeline/level-statistics.ts";
import type { LevelFlag } from "../../../../protocol/noise.ts";

const sample = (levelDb: number, ...flags: LevelFlag[]): LevelSample => ({ levelDb, flags });
const hour = (isNight: boolean, levelDb: number, seconds = 3600) => ({
  isNight,
  levels: findingLevels(Array.from({ length: 3600 }, (_, second) => (second < seconds ? sample(levelDb) : undefined))),
});
const day = (dayDb: number, nightDb: number) =>
  Array.from({ length: 24 }, (_, index) => hour(index < 8, index < 8 ? nightDb : dayDb));

test("Ldn of whole days by China's 16 and 8 hours", () => {
  const cases = [
    [80, 45, 78.2459],
    [70, 55, 68.8766],
    [60, 50, 60],
    [52.5, 52.5, 58.5206],
  ] as const;
  for (const [dayDb, nightDb, expected] of cases) {
    const levels = dayNightLevels(day(dayDb, nightDb));
    expect(levels).toMatchObject({ dayHours: 16, nightHours: 8 });
    expect(levels.ldDb).toBeCloseTo(dayDb, 9);
    expect(levels.lnDb).toBeCloseTo(nightDb, 9);
    expect(levels.ldnDb).toBeCloseTo(expected, 4);
  }
});

test("hours with too little do not count, and too few hours give no value instead of a guess", () => {
  const thin = [...day(60, 50).slice(0, 23), hour(false, 90, 2699)];
  expect(dayNightLevels(thin)).toMatchObject({ dayHours: 15, ldDb: 60 });
  expect(dayNightLevels([...day(60, 50).slice(0, 23), hour(false, 90, 2700)]).dayHours).toBe(16);
  expect(dayNightLevels(day(60, 50).slice(0, 19))).toMatchObject({ dayHours: 11, ldDb: null, lnDb: 50, ldnDb: null });
});

test("hours are merged by their valid seconds", () => {
  const hours = [...Array.from({ length: 6 }, () => hour(true, 50)), hour(true, 70, 2700)];
  const expected = laeqDb([...Array(6 * 3600).fill(50), ...Array(2700).fill(70)]);
  expect(dayNightLevels(hours).lnDb).toBeCloseTo(expected ?? 0, 9);
});

test("weather, calibration and maintenance are left out of a finding and counted, like what is invalid or absent", () => {
  const levels = findingLevels([
    sample(60),
    sample(61, "weather"),
    sample(94, "calibration", "weather"),
    sample(62, "maintenance"),
    sample(140, "overload", "weather"),
    { levelDb: null, flags: ["no-data"] },
    undefined,
  ]);
  expect(levels).toEqual({
    n: 7,
    levelsDb: [60],
    excluded: { weather: 2, calibration: 0, maintenance: 1 },
    invalid: 2,
    absent: 1,
  });
  expect(validPct(1, 7)).toBeCloseTo(14.2857, 4);
});

test("every second of a window is counted exactly once, whatever its flags", () => {
  const flag = fc.constantFrom<LevelFlag>("no-data", "overload", "weather", "calibration", "maintenance", "fault");
  const second = fc.option(
    fc.record({ levelDb: fc.option(fc.double({ min: 20, max: 140, noNaN: true })), flags: fc.array(flag) }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.array(second), (window) => {
      const { n, levelsDb, excluded, invalid, absent } = findingLevels(window);
      const counted =
        levelsDb.length + excluded.weather + excluded.calibration + excluded.maintenance + invalid + absent;
      expect(counted).toBe(n);
      expect(n).toBe(window.length);
    }),
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  exceededDb,
  laeqDb,
  ldnDb,
  levelStatistics,
  mergedLaeqDb,
} from "../../../gateway/pipeline/level-statistics.ts";

const valid = (levelDb: number) => ({ levelDb, flags: [] });
const times = (count: number, levelDb: number) => Array.from({ length: count }, () => valid(levelDb));

describe("the domain's own vectors", () => {
  test("LAeq and SEL of six levels", () => {
    const statistics = levelStatistics([80, 80.3, 80.6, 80.4, 79.7, 76.9].map(valid));
    expect(statistics.laeqDb).toBeCloseTo(79.806989166, 8);
    expect(statistics.selDb).toBeCloseTo(87.58850167, 8);
  });

  test("energies are averaged, never decibels", () => {
    expect(levelStatistics([...times(600, 60), ...times(600, 80)]).laeqDb).toBeCloseTo(77.0329, 4);
    expect(levelStatistics([...times(1199, 70), valid(100)]).laeqDb).toBeCloseTo(72.6304, 4);
  });

  test("blocks merge by their valid seconds", () => {
    const blocks = [
      { laeqDb: 55.0, valid: 3 * 3600 + 55 * 60 + 22 },
      { laeqDb: 70.0, valid: 3600 + 33 * 60 + 12 },
      { laeqDb: null, valid: 0 },
    ];
    expect(mergedLaeqDb(blocks)).toBeCloseTo(64.8616, 4);
    expect(mergedLaeqDb([{ laeqDb: null, valid: 0 }])).toBeUndefined();
  });

  test("Ldn weighs 16 and 8 hours", () => {
    const cases = [
      [80, 45, 78.2459],
      [70, 55, 68.8766],
      [60, 50, 60.0],
      [52.5, 52.5, 58.5206],
    ] as const;
    for (const [day, night, expected] of cases) expect(ldnDb(day, night)).toBeCloseTo(expected, 4);
  });

  test("percentiles are levels exceeded, by rank", () => {
    const statistics = levelStatistics(Array.from({ length: 100 }, (_, index) => valid(index + 1)));
    expect(statistics).toMatchObject({ l5Db: 96, l10Db: 91, l50Db: 51, l90Db: 11, l95Db: 6, lamaxDb: 100, laminDb: 1 });
  });
});

test("equal levels give exactly that level: 70.0 for an hour is not above 70.0", () => {
  for (let tenths = 200; tenths <= 1400; tenths++) {
    expect(laeqDb(Array.from({ length: 60 }, () => tenths / 10))).toBe(tenths / 10);
  }
});

test("gaps and invalid levels take part in nothing, and are counted", () => {
  const statistics = levelStatistics([
    valid(60),
    undefined,
    { levelDb: null, flags: ["no-data"] },
    { levelDb: 3276.7, flags: ["out-of-range"] },
    { levelDb: 60, flags: ["weather"] },
  ]);
  expect(statistics).toMatchObject({ n: 5, valid: 2, laeqDb: 60, lamaxDb: 60, sdDb: 0 });
  expect(levelStatistics([undefined])).toMatchObject({ n: 1, valid: 0, laeqDb: null, l50Db: null, selDb: null });
});

const levels = fc.array(
  fc.integer({ min: 200, max: 1400 }).map((tenths) => tenths / 10),
  { minLength: 1, maxLength: 200 },
);

test("LAeq lies between lowest and highest, and not below the plain mean", () => {
  fc.assert(
    fc.property(levels, (some) => {
      const mean = laeqDb(some) ?? Number.NaN;
      expect(mean).toBeGreaterThanOrEqual(Math.min(...some) - 1e-9);
      expect(mean).toBeLessThanOrEqual(Math.max(...some) + 1e-9);
      expect(mean).toBeGreaterThanOrEqual(some.reduce((sum, level) => sum + level, 0) / some.length - 1e-9);
    }),
  );
});

test("parts merged are the whole, however it is cut", () => {
  fc.assert(
    fc.property(levels, fc.array(fc.nat(200), { maxLength: 8 }), (some, cuts) => {
      const at = [0, ...cuts.map((cut) => cut % some.length).sort((a, b) => a - b), some.length];
      const blocks = at.slice(1).map((end, index) => {
        const { laeqDb: mean, valid: count } = levelStatistics(some.slice(at[index], end).map(valid));
        return { laeqDb: mean, valid: count };
      });
      expect(mergedLaeqDb(blocks)).toBeCloseTo(laeqDb(some) ?? Number.NaN, 8);
    }),
  );
});

test("L5 ≥ L10 ≥ L50 ≥ L90 ≥ L95, each of them a level that was measured, whatever the order of the seconds", () => {
  fc.assert(
    fc.property(levels, (some) => {
      const { lamaxDb, l5Db, l10Db, l50Db, l90Db, l95Db, laminDb } = levelStatistics(some.map(valid));
      const ladder = [lamaxDb, l5Db, l10Db, l50Db, l90Db, l95Db, laminDb];
      expect(ladder).toEqual(ladder.toSorted((a, b) => (b ?? 0) - (a ?? 0)));
      for (const step of ladder) expect(some).toContain(step);
      expect(levelStatistics(some.toReversed().map(valid))).toMatchObject({ l10Db, l50Db, l90Db });
    }),
  );
  expect(exceededDb([], 10)).toBeNull();
});

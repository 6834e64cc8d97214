import fc from "fast-check";
import { expect, test } from "vitest";
import { RULE_SETS } from "../../../../gateway/contracts/rule-set.ts";
import { withoutBackground } from "../../../../gateway/pipeline/acoustics/background.ts";

const table = RULE_SETS.find(({ id }) => id === "GB12523-2011")?.background ?? { steps: [], roundDifferenceToDb: 1 };
const correction = (measuredDb: number, backgroundDb: number) =>
  withoutBackground(measuredDb, backgroundDb, table).correctionDb;

test("the step table of the standard: 3 → −3, 4 and 5 → −2, 6 to 10 → −1, more → 0, less → measure again", () => {
  const expected = [null, null, null, -3, -2, -2, -1, -1, -1, -1, -1, 0, 0];
  expect(expected.map((_, difference) => correction(60 + difference, 60))).toEqual(expected);
});

test("it is not the energy formula: 65 over 60 gives 63, not 63.3", () => {
  expect(withoutBackground(65, 60, table)).toEqual({ correctionDb: -2, correctedDb: 63 });
});

test("a difference is rounded to whole decibels between the ends of the table, and not over them", () => {
  expect(correction(63.4, 60)).toBe(-3);
  expect(correction(63.5, 60)).toBe(-2);
  expect(correction(65.4, 60)).toBe(-2);
  expect(correction(65.5, 60)).toBe(-1);
  expect(correction(62.9, 60)).toBeNull();
  expect(correction(70.1, 60)).toBe(0);
});

test("binary fractions do not move a difference over a step", () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 900 }), fc.integer({ min: 30, max: 100 }), (background, difference) => {
      const measured = background + difference;
      const whole = Math.round(difference / 10);
      const expected = whole === 3 ? -3 : whole <= 5 ? -2 : -1;
      expect(correction(measured / 10, background / 10)).toBe(expected);
    }),
  );
});

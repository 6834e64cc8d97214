import { expect, test } from "vitest";
import { countOutage } from "../../bench/outage-count.ts";

const arrivals = (...numbers: number[]) => numbers.map((number, atMs) => ({ number, atMs }));

test("values that all came once and in order are none lost, none doubled, none out of order", () => {
  expect(countOutage(2, 5, arrivals(0, 1, 2, 3, 4, 5))).toEqual({ read: 3, lost: 0, doubled: 0, disordered: 0 });
});

test("a value that never came is lost, one that came again is doubled, one behind a later one is out of order", () => {
  expect(countOutage(0, 6, arrivals(0, 1, 1, 4, 2, 5, 5))).toEqual({ read: 6, lost: 1, doubled: 2, disordered: 1 });
});

test("what was read outside the window counts for nothing", () => {
  expect(countOutage(10, 12, arrivals(12, 9, 9, 10, 11))).toEqual({ read: 2, lost: 0, doubled: 0, disordered: 0 });
});

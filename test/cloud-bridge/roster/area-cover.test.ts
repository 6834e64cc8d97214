import fc from "fast-check";
import { expect, test } from "vitest";
import { areCovered } from "../../../cloud-bridge/roster/area-cover.ts";
import { type Area, isInAreas } from "../../../cloud-bridge/roster/areas.ts";

/** Corners in hundredths of a degree around a place of Beijing. */
const polygon = (...corners: readonly (readonly [number, number])[]): Area => ({
  kind: "polygon",
  outline: corners.map(([x, y]) => ({ latitudeDeg: 39.9 + y / 100, longitudeDeg: 116.4 + x / 100 })),
});
const box = (x: number, y: number, width: number, height = width): Area =>
  polygon([x, y], [x + width, y], [x + width, y + height], [x, y + height]);
const cells = (...names: string[]): Area => ({ kind: "cells", cellDeg: 0.01, cells: names });
const ground = [box(0, 0, 10)];

test("what lies within is covered, along a shared border and to the last corner too", () => {
  for (const inner of [box(2, 2, 3), box(0, 0, 10), box(0, 0, 5, 10), polygon([0, 0], [10, 10], [0, 10])]) {
    expect(areCovered([inner], ground)).toBe(true);
  }
  expect(areCovered([], [])).toBe(true);
  expect(areCovered([box(2, 2, 3), box(5, 5, 3)], [box(0, 0, 5, 10), box(5, 0, 5, 10)])).toBe(true);
  expect(areCovered([box(2, 2, 6)], [box(0, 0, 5, 10), box(5, 0, 5, 10)]), "over a border between").toBe(true);
  expect(areCovered([box(0.0005, 0.0005, 9.9999)], ground), "rounded, by half a metre").toBe(true);
});

test("what reaches out is not: by a corner, over a notch, by a needle, around all of it, or where nothing is", () => {
  expect(areCovered([box(8, 8, 3)], ground)).toBe(false);
  expect(areCovered([box(20, 20, 3)], ground)).toBe(false);
  expect(areCovered([box(-5, -5, 30)], ground)).toBe(false);
  expect(areCovered([box(2, 2, 3), box(20, 2, 1)], ground)).toBe(false);
  expect(areCovered([box(2, 2, 3)], [])).toBe(false);
  expect(areCovered([polygon([2, 2], [40, 2.000000001], [2, 2.000000002])], ground)).toBe(false);
  const notched = polygon([0, 0], [10, 0], [10, 10], [6, 10], [6, 2], [4, 2], [4, 10], [0, 10]);
  expect(areCovered([box(1, 1, 8)], [notched])).toBe(false);
  expect(areCovered([box(4, 0, 2)], [notched])).toBe(true);
});

test("a hole in the ground is not covered", () => {
  const ring = [box(0, 0, 10, 2), box(0, 8, 10, 2), box(0, 2, 2, 6), box(8, 2, 2, 6)];
  expect(areCovered([box(1, 1, 8)], ring)).toBe(false);
  expect(areCovered([box(1, 1, 8)], [...ring, box(2, 2, 6)])).toBe(true);
});

test("cells and outlines are compared alike", () => {
  const four = cells("3990:11640", "3990:11641", "3991:11640", "3991:11641");
  expect(areCovered([cells("3991:11641")], [four])).toBe(true);
  expect(areCovered([cells("3991:11642")], [four])).toBe(false);
  expect(areCovered([box(0.5, 0.5, 1)], [four])).toBe(true);
  expect(areCovered([box(0.5, 0.5, 2)], [four])).toBe(false);
  expect(areCovered([four], ground)).toBe(true);
  expect(areCovered([four], [box(1, 0, 10)])).toBe(false);
});

test("over the date line as elsewhere; what is too fine to be compared is not covered", () => {
  const at = (longitudeDeg: number, latitudeDeg: number) => ({ latitudeDeg, longitudeDeg });
  const line = (from: number, to: number): Area => ({
    kind: "polygon",
    outline: [at(from, 0), at(to, 0), at(to, 1), at(from, 1)],
  });
  expect(areCovered([line(179.9, -179.9)], [line(179, -179)])).toBe(true);
  expect(areCovered([line(179.9, -178)], [line(179, -179)])).toBe(false);
  const fine = (radius: number): Area =>
    polygon(
      ...Array.from({ length: 3000 }, (_, index) => {
        const turn = (index / 3000) * 2 * Math.PI;
        return [5 + radius * Math.cos(turn), 5 + radius * Math.sin(turn)] as const;
      }),
    );
  expect(areCovered([fine(1)], [fine(4)])).toBe(false);
});

test("no place lies in what is covered and outside of what covers it", () => {
  const corner = fc.tuple(fc.double({ min: 0, max: 10, noNaN: true }), fc.double({ min: 0, max: 10, noNaN: true }));
  const some = fc.array(fc.array(corner, { minLength: 3, maxLength: 6 }), { minLength: 1, maxLength: 3 });
  const seen = { covered: 0, not: 0 };
  fc.assert(
    fc.property(
      some,
      fc.double({ min: 0.05, max: 1, noNaN: true }),
      fc.array(corner, { minLength: 100, maxLength: 100 }),
      (shapes, scale, places) => {
        const outer = shapes.map((corners) => polygon(...corners));
        const [shape = []] = shapes;
        const mean = (axis: 0 | 1) => shape.reduce((sum, corner) => sum + corner[axis], 0) / shape.length;
        const drawn = (value: number, axis: 0 | 1) => mean(axis) + (value - mean(axis)) * scale;
        const inner = [polygon(...shape.map(([x, y]) => [drawn(x, 0), drawn(y, 1)] as const))];
        const isCovered = areCovered(inner, outer);
        seen[isCovered ? "covered" : "not"] += 1;
        const isOutside = places.some(([x, y]) => {
          const place = { latitudeDeg: 39.9 + y / 100, longitudeDeg: 116.4 + x / 100 };
          return isInAreas(place, inner) && !isInAreas(place, outer);
        });
        // A place may lie within the metre that is forgiven, which random ones hardly do.
        return !(isCovered && isOutside);
      },
    ),
    { numRuns: 400 },
  );
  expect(Math.min(seen.covered, seen.not)).toBeGreaterThan(5);
});

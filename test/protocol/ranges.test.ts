import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addRange,
  complementWithin,
  contains,
  countOf,
  intersect,
  lastOf,
  type Ranges,
  rangesFrom,
  rangesOfSeqs,
  seqsOf,
  subtract,
  union,
} from "../../protocol/ranges.ts";

const TOP = 40;
const seqs = fc.uniqueArray(fc.integer({ min: 1, max: TOP }), { maxLength: TOP });

function check(ranges: Ranges, expected: Set<number>): void {
  expect([...seqsOf(ranges)]).toEqual([...expected].sort((a, b) => a - b));
  ranges.forEach(([from, to], i) => {
    expect(from).toBeLessThanOrEqual(to);
    expect(from).toBeGreaterThan((ranges[i - 1]?.[1] ?? -1) + 1);
  });
}

test("range sets do what sets of numbers do, and stay sorted, disjoint and not adjacent", () => {
  fc.assert(
    fc.property(seqs, seqs, (first, second) => {
      const [a, b] = [new Set(first), new Set(second)];
      const [x, y] = [rangesOfSeqs(first), rangesOfSeqs(second)];
      check(x, a);
      check(union(x, y), new Set([...a, ...b]));
      check(subtract(x, y), new Set(first.filter((seq) => !b.has(seq))));
      check(intersect(x, y), new Set(first.filter((seq) => b.has(seq))));
      check(
        complementWithin(x, 1, TOP),
        new Set(Array.from({ length: TOP }, (_, i) => i + 1).filter((seq) => !a.has(seq))),
      );
      expect(countOf(x)).toBe(a.size);
      expect(lastOf(x)).toBe(Math.max(0, ...first));
      for (let seq = 0; seq <= TOP + 1; seq += 1) expect(contains(x, seq)).toBe(a.has(seq));
    }),
  );
});

test("ranges in any order, overlapping or backwards make a set", () => {
  expect(
    rangesFrom([
      [9, 12],
      [1, 3],
      [4, 4],
      [11, 20],
      [8, 7],
    ]),
  ).toEqual([
    [1, 4],
    [9, 20],
  ]);
  expect(addRange([[1, 3]], 4)).toEqual([[1, 4]]);
  expect(addRange([[1, 3]], 9, 8)).toEqual([[1, 3]]);
});

test("adding never changes the set it was given", () => {
  const before: Ranges = [[1, 3]];
  addRange(before, 4, 9);
  expect(before).toEqual([[1, 3]]);
});

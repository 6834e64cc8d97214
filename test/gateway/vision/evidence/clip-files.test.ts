import { expect, test } from "vitest";
import type { RingCut } from "../../../../gateway/vision/capture/clip-ring.ts";
import { clipCut } from "../../../../gateway/vision/evidence/clip-files.ts";

const WINDOW = { fromUpMs: 100_000, toUpMs: 125_000 };
const cut = (fromS: number, toS: number): RingCut => ({
  path: `${fromS}`,
  fromUpMs: fromS * 1000,
  toUpMs: toS * 1000,
  header: undefined as never,
});

test("a window that is there lacks nothing, whatever lies before and behind it", () => {
  expect(clipCut([cut(96, 126)], WINDOW)).toEqual({ stretches: [cut(96, 126)], lackingS: 0, missing: [] });
});

test("the whole picture before its start does not make up for what lacks at its end", () => {
  const { lackingS, missing } = clipCut([cut(90, 115)], WINDOW);
  expect(lackingS).toBe(10);
  expect(missing).toEqual([{ name: "clip-gap", reason: expect.stringMatching(/^10 of 25 s are not there: /) }]);
});

test("a camera that came back is two stretches and a gap", () => {
  const cuts = [cut(98, 110), cut(114, 126)];
  expect(clipCut(cuts, WINDOW)).toMatchObject({ stretches: cuts, lackingS: 4, missing: [{ name: "clip-gap" }] });
});

test("of one that broke off again and again, what is left out counts as lacking", () => {
  const cuts = [cut(100, 106), cut(107, 113), cut(114, 119), cut(120, 125)];
  const { stretches, lackingS } = clipCut(cuts, WINDOW);
  expect(stretches).toEqual(cuts.slice(0, 3));
  expect(lackingS).toBe(8);
});

test("where nothing is there, whoever asked says why", () => {
  expect(clipCut([], WINDOW)).toEqual({ stretches: [], lackingS: 25, missing: [] });
});

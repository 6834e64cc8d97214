import { expect, test } from "vitest";
import { MediaPace } from "../../../../gateway/vision/capture/media-pace.ts";

const TIMESCALE = 90_000;

/** Fragments one after another, each with its pictures and how long it lasts. @returns which of them stood still */
function paceOf(...fragments: readonly (readonly [pictures: number, ms: number])[]): readonly boolean[] {
  const pace = new MediaPace(TIMESCALE);
  let atMs = 0;
  return fragments.map(([pictures, ms]) => {
    const fromMs = atMs;
    atMs += ms;
    return pace.standsStill({ fromMs, toMs: atMs, pictures });
  });
}

const tick = 1000 / TIMESCALE;

test("times that ran and then go on by the least step that there is stand still", () => {
  expect(paceOf([5, 500], [5, 300 + 2 * tick], [10, 10 * tick])).toEqual([false, false, true]);
  // Of a camera that sends nothing but whole pictures, each is a fragment.
  const single = Array.from({ length: 5 }, () => [1, tick] as const);
  expect(paceOf([1, 40], ...single)).toEqual([false, false, false, false, false, true]);
});

test("a jam that is let go, a doubled time and a camera without times are no clock that was set back", () => {
  // What waited in front of something that stamps by arrival: a whole second within three milliseconds.
  expect(paceOf([5, 500], [12, 2500], [25, 3], [25, 3])).toEqual([false, false, false, false]);
  expect(paceOf([1, 40], [1, tick], [1, tick], [1, 40], [1, tick])).toEqual([false, false, false, false, false]);
  expect(paceOf([25, 25 * tick], [25, 25 * tick])).toEqual([false, false]);
});

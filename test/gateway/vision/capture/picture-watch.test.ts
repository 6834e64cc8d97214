import { expect, test } from "vitest";
import { PictureWatch } from "../../../../gateway/vision/capture/picture-watch.ts";

const SIZE = { width: 64, height: 36 };

/** Stripes so many levels apart, and a place where a picture differs from another one. */
function picture(second: number, contrast: number, mark = 0) {
  const rgb = new Uint8Array(SIZE.width * SIZE.height * 3).map((_, at) => 100 + (at % 200 < 100 ? 0 : contrast));
  rgb.fill(100 + mark, 0, 300);
  return { ...SIZE, rgb, upMs: second * 1000 };
}

test("a picture that was frozen is, after a gap too, until one differs from the one before it", () => {
  const watch = new PictureWatch({ frozenAfterS: 10, coveredAfterS: 10 });
  for (let second = 0; second <= 10; second++) watch.look(picture(second, 80));
  expect([...watch.faults]).toEqual(["camera-frozen"]);
  watch.interrupted();
  // The gap may have changed what it shows, and it is no less frozen.
  watch.look(picture(100, 80, 50));
  watch.look(picture(101, 80, 50));
  expect([...watch.faults]).toEqual(["camera-frozen"]);
  watch.look(picture(102, 80, 60));
  expect([...watch.faults]).toEqual([]);
});

test("nothing is known of a fault before it could be seen, and a good picture says at once that there is none", () => {
  const watch = new PictureWatch({ frozenAfterS: 10, coveredAfterS: 10 });
  const known = () => [watch.stands("camera-covered"), watch.stands("camera-frozen")];
  expect(known()).toEqual([undefined, undefined]);
  // Too dim to be called clear, not dim enough to be called covered.
  watch.look(picture(0, 15));
  expect(known()).toEqual([undefined, undefined]);
  for (let second = 1; second < 11; second++) watch.look(picture(second, 2));
  expect(known()).toEqual([undefined, false]);
  watch.look(picture(11, 2));
  expect(known()).toEqual([true, true]);
  watch.look(picture(12, 80));
  expect(known()).toEqual([false, false]);
  // Refuted once, a fault needs its whole time again, and is not unknown meanwhile.
  for (let second = 13; second < 22; second++) watch.look(picture(second, 80));
  expect(known()).toEqual([false, false]);
  watch.look(picture(22, 80));
  expect(known()).toEqual([false, true]);
});

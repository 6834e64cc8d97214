import fc from "fast-check";
import { expect, test } from "vitest";
import { MediaClock } from "../../../../gateway/vision/capture/media-clock.ts";
import { PictureTimes } from "../../../../gateway/vision/capture/picture-times.ts";

/** As `metadata=print` of ffmpeg 5.1 writes it. */
const printed = (times: readonly number[]): Uint8Array =>
  Buffer.from(times.map((s, n) => `frame:${n}    pts:${s * 90_000}   pts_time:${s}\nshao=1\n`).join(""));

test("each picture has its own time, however the two pipes are cut and whichever is read first", () => {
  const scenario = fc.record({
    times: fc.array(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 40 }),
    cuts: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }),
    order: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(scenario, ({ times, cuts, order }) => {
      const seen: (readonly [number, number | undefined])[] = [];
      const joined = new PictureTimes<number>((picture, mediaMs) => seen.push([picture, mediaMs]));
      const bytes = printed(times);
      let read = 0;
      let shown = 0;
      for (let turn = 0; read < bytes.length || shown < times.length; turn++) {
        const size = cuts[turn % cuts.length] ?? 1;
        if (order[turn % order.length] && shown < times.length) joined.picture(shown++);
        else if (read < bytes.length) {
          joined.push(bytes.subarray(read, read + size));
          read += size;
        } else joined.picture(shown++);
      }
      expect(seen).toEqual(times.map((s, n) => [n, s * 1000]));
    }),
  );
});

test("a picture without a time is shown without one; pictures to which no time comes end the capture", () => {
  const seen: unknown[] = [];
  const joined = new PictureTimes<string>((...picture) => seen.push(picture));
  joined.push(Buffer.from("frame:0    pts:NOPTS   pts_time:NOPTS\nshao=1\n"));
  joined.picture("a");
  expect(seen).toEqual([["a", undefined]]);
  const many = () => {
    for (let n = 0; n < 100; n++) joined.picture("b");
  };
  expect(many).toThrow("pictures without times");
  expect(() => joined.push(Buffer.alloc(1000, 97))).toThrow("a time without end");
});

test("a media clock tells what waited from what is fresh, and begins anew when the camera sets its own back", () => {
  const clock = new MediaClock();
  const lateMs = (mediaMs: number, nowMs: number) => nowMs - mediaMs - clock.heard(mediaMs, nowMs);
  // A second of pictures comes at once; by it the delay is known.
  for (let ms = 0; ms <= 1000; ms += 100) expect(lateMs(ms, 5000)).toBe(0);
  expect(lateMs(1100, 5100)).toBe(0);
  expect(Math.round(lateMs(1200, 8200))).toBeCloseTo(3000, -1);
  expect(Math.round(lateMs(4200, 8250))).toBeCloseTo(50, -1);
  expect(lateMs(100, 8300)).toBe(0);
  expect(Math.round(lateMs(150, 9300))).toBeCloseTo(950, -1);
});

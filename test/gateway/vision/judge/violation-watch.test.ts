import fc from "fast-check";
import { expect, test } from "vitest";
import type { UnitBox } from "../../../../gateway/contracts/vision.ts";
import { isInside } from "../../../../gateway/vision/judge/polygon.ts";
import { scoreAs } from "../../../../gateway/vision/judge/tracker.ts";
import { Scene, type Thing } from "./scene.ts";

const AT_GATE: UnitBox = [0.4, 0.3, 0.2, 0.3];
const BESIDE: UnitBox = [0.7, 0.3, 0.2, 0.3];
const LEFT_HALF = [
  [0, 0],
  [0.5, 0],
  [0.5, 1],
  [0, 1],
] as const;

const shifted = ([left, top, width, height]: UnitBox, x: number, y = 0): UnitBox => [left + x, top + y, width, height];

test("a parked truck is one alarm, whatever the detector misses, and two trucks are two", () => {
  const scene = new Scene();
  scene.stay(2.5, [["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(0);
  scene.stay(3, [["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(1);
  // Hidden for a minute by a bus, then seen again where it stood.
  scene.stay(60, []);
  scene.stay(60, [["truck", shifted(AT_GATE, 0.01)]]);
  expect(scene.raised).toHaveLength(1);
  scene.stay(30, [
    ["truck", AT_GATE],
    ["truck", BESIDE],
  ]);
  expect(scene.raised).toHaveLength(2);
  expect(new Set(scene.raised.map(({ trackId }) => trackId)).size).toBe(2);
});

test("the truck that comes after one that drove off is another alarm, though it stands at the same place", () => {
  const scene = new Scene();
  scene.stay(10, [["truck", AT_GATE]]);
  for (let x = 0; x < 0.7; x += 0.05) scene.see([["truck", shifted(AT_GATE, x)]]);
  scene.stay(12, []);
  expect(scene.decisions.map(({ phase, hasLeft }) => [phase, hasLeft])).toEqual([
    ["raised", false],
    ["updated", true],
  ]);
  for (let x = -0.5; x < 0; x += 0.05) scene.see([["truck", shifted(AT_GATE, x)]]);
  scene.stay(10, [["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(2);
});

test("two trucks that pass each other stay two", () => {
  const scene = new Scene({ dwellS: 0 });
  for (let x = 0; x <= 0.7; x += 0.035) {
    scene.see([
      ["truck", [0.05 + x, 0.3, 0.18, 0.25]],
      ["truck", [0.75 - x, 0.5, 0.18, 0.25]],
    ]);
  }
  expect(scene.raised).toHaveLength(2);
});

test("it must stay for the dwell inside of the zone, by the middle of its lower edge", () => {
  const scene = new Scene({ zone: LEFT_HALF, dwellS: 3 });
  scene.stay(10, [["truck", [0.45, 0.3, 0.2, 0.3]]]);
  expect(scene.raised).toHaveLength(0);
  scene.stay(2, [["truck", [0.35, 0.3, 0.2, 0.3]]]);
  expect(scene.raised).toHaveLength(0);
  scene.stay(2, [["truck", [0.35, 0.3, 0.2, 0.3]]]);
  expect(scene.raised).toHaveLength(1);
  // Out of the zone and back within the cool-down: the same. Much later: another.
  scene.stay(20, [["truck", [0.45, 0.3, 0.2, 0.3]]]);
  scene.stay(20, [["truck", [0.35, 0.3, 0.2, 0.3]]]);
  expect(scene.raised).toHaveLength(1);
  scene.stay(320, [["truck", [0.45, 0.3, 0.2, 0.3]]]);
  scene.stay(10, [["truck", [0.35, 0.3, 0.2, 0.3]]]);
  expect(scene.raised).toHaveLength(2);
});

test("what stood there before the window opened is raised when it opens, and nothing outside of it", () => {
  const scene = new Scene();
  scene.isArmed = false;
  scene.stay(30, [["truck", AT_GATE]]);
  expect([scene.raised.length, scene.watch.isAttentive]).toEqual([0, false]);
  scene.isArmed = true;
  scene.see([["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(1);
});

test("what was raised before the window closed and stands there when it opens again is the same alarm", () => {
  const scene = new Scene();
  scene.stay(10, [["truck", AT_GATE]]);
  scene.isArmed = false;
  scene.stay(600, [["truck", AT_GATE]], 10_000);
  scene.isArmed = true;
  scene.stay(60, [["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(1);
  expect(scene.decisions.filter(({ hasLeft }) => hasLeft)).toEqual([]);
});

test("a class is a label or what a second stage said of it, by the median of the last ten", () => {
  const scene = new Scene({ classes: ["truck/uncovered"] });
  scene.stay(10, [["truck/covered", AT_GATE]]);
  scene.stay(10, [["person", BESIDE]]);
  expect(scene.raised).toHaveLength(0);
  // One look in three goes wrong: the median does not care.
  for (let index = 0; index < 30; index++) {
    scene.see([[index % 3 === 0 ? "truck/covered" : "truck/uncovered", AT_GATE, 0.8]]);
  }
  expect(scene.raised).toHaveLength(1);
  expect(scene.raised[0]).toMatchObject({ label: "truck/uncovered" });
  expect(scene.raised[0]?.best.objects.filter(({ isCause }) => isCause)).toHaveLength(1);
  const all = new Scene({ classes: ["truck"] });
  all.stay(5, [["truck/covered", AT_GATE]]);
  expect(all.raised).toHaveLength(1);
  const weak = new Scene();
  for (let index = 0; index < 40; index++) weak.see([["truck", AT_GATE, index % 10 >= 6 ? 0.9 : 0.3]]);
  expect(weak.raised).toHaveLength(0);
});

test("the picture that proves most is none that the camera's ring has forgotten, however long the dwell", () => {
  const scene = new Scene({ dwellS: 60 });
  scene.stay(2, [["truck", AT_GATE, 0.95]]);
  scene.stay(70, [["truck", AT_GATE, 0.7]]);
  const [raised] = scene.raised;
  expect(scene.raised).toHaveLength(1);
  const raisedUpMs = (raised?.sinceUpMs ?? 0) + 60_000;
  expect(raisedUpMs - (raised?.best.upMs ?? 0)).toBeLessThanOrEqual(20_500);
  expect(raised?.best.objects.filter(({ isCause }) => isCause)).toHaveLength(1);
  // Within that time the strongest stays.
  const short = new Scene({ dwellS: 10 });
  short.stay(2, [["truck", AT_GATE, 0.95]]);
  const strongUpMs = short.upMs;
  short.stay(12, [["truck", AT_GATE, 0.7]]);
  expect(short.raised[0]?.best.upMs).toBeLessThanOrEqual(strongUpMs);
});

test("one picture with something in it is no object", () => {
  const scene = new Scene({ dwellS: 0 });
  scene.see([["truck", AT_GATE]]);
  scene.see([]);
  scene.see([["truck", BESIDE]]);
  scene.stay(5, []);
  expect(scene.decisions).toEqual([]);
});

test("a heartbeat of ten seconds is enough for dwell and for one alarm", () => {
  const scene = new Scene({ dwellS: 60 });
  scene.stay(120, [["truck", AT_GATE]], 10_000);
  scene.stay(40, [], 10_000);
  scene.stay(600, [["truck", AT_GATE]], 10_000);
  expect(scene.raised).toHaveLength(1);
  expect(scene.decisions.filter(({ phase, hasLeft }) => phase === "updated" && !hasLeft).length).toBeGreaterThan(0);
});

test("a crowd is one alarm of the rule, and again only after its cool-down", () => {
  const people = (count: number): Thing[] =>
    Array.from({ length: count }, (_, index) => ["person", [0.1 + index * 0.15, 0.5, 0.05, 0.2]]);
  const scene = new Scene({ classes: ["person"], count: 3, coolDownS: 60 });
  scene.stay(20, people(2));
  expect(scene.raised).toHaveLength(0);
  scene.stay(10, people(4));
  expect(scene.raised).toHaveLength(1);
  expect(scene.raised[0]?.trackId).toBeUndefined();
  scene.stay(20, people(1));
  scene.stay(10, people(3));
  expect(scene.raised).toHaveLength(1);
  scene.stay(90, people(1));
  scene.stay(10, people(3));
  expect(scene.raised).toHaveLength(2);
});

test("the picture that proves most is kept: sure, large, and cut by no edge", () => {
  const scene = new Scene({ dwellS: 2, minScore: 0.4 });
  scene.stay(4, [["truck", [0, 0.3, 0.2, 0.3], 0.9]]);
  scene.see([["truck", [0.02, 0.3, 0.2, 0.3], 0.95]]);
  const bestUpMs = scene.upMs;
  scene.stay(4, [["truck", [0.02, 0.3, 0.2, 0.3], 0.6]]);
  expect(scene.raised[0]?.bestNow().upMs).toBe(bestUpMs);
});

test("from a moving vehicle nothing is carried over", () => {
  const scene = new Scene({ dwellS: 3 });
  scene.stay(2, [["truck", AT_GATE]]);
  scene.tracker.reset();
  scene.watch.reset({ atMs: 0, upMs: scene.upMs, isArmed: true });
  scene.stay(2.5, [["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(0);
});

test("nor the first sight of something that another rule saw on the move", () => {
  const scene = new Scene({ dwellS: 3 });
  scene.see([["truck", AT_GATE]]);
  scene.upMs += 10_000;
  scene.watch.reset({ atMs: 0, upMs: scene.upMs, isArmed: true });
  scene.stay(2.5, [["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(0);
  scene.see([["truck", AT_GATE]]);
  expect(scene.raised).toHaveLength(1);
});

test("property: n parked trucks are n alarms, with detections lost, shaken and in any order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (count, numbers) => {
        const random = (): number => numbers.next().value ?? 0;
        const scene = new Scene({ dwellS: 5 });
        for (let picture = 0; picture < 120; picture++) {
          const things: Thing[] = [];
          for (let index = 0; index < count; index++) {
            // The first seconds are whole; then one look in four fails.
            if (picture > 12 && random() < 0.25) continue;
            const shake = (random() - 0.5) * 0.02;
            const box: UnitBox = [
              0.02 + (index % 3) * 0.33 + shake,
              0.05 + Math.floor(index / 3) * 0.5 + shake,
              0.22,
              0.3,
            ];
            things.push(["truck", box, 0.6 + random() * 0.4]);
          }
          if (random() < 0.5) things.reverse();
          scene.see(things);
        }
        expect(scene.raised).toHaveLength(count);
      },
    ),
    { numRuns: 60 },
  );
});

test("property: an object that moves steadily is one track", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -0.1, max: 0.1, noNaN: true }),
      fc.double({ min: -0.1, max: 0.1, noNaN: true }),
      fc.double({ min: 0.08, max: 0.3, noNaN: true }),
      (x, y, size) => {
        const scene = new Scene();
        const ids = new Set<number>();
        for (let index = 0; index < 12; index++) {
          const box: UnitBox = [0.4 + x * index * 0.5, 0.4 + y * index * 0.5, size, size * 0.7];
          scene.upMs += 500;
          for (const { id } of scene.tracker.step([{ label: "truck", score: 0.9, box }], scene.upMs).tracks)
            ids.add(id);
        }
        expect(ids.size).toBe(1);
      },
    ),
    { numRuns: 200 },
  );
});

test("property: the score is the median of the last ten", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (scores) => {
      const scene = new Scene();
      let value = 0;
      for (const score of scores) {
        scene.upMs += 500;
        const [track] = scene.tracker.step([{ label: "truck", score, box: AT_GATE }], scene.upMs).tracks;
        value = track === undefined ? Number.NaN : scoreAs(track, ["truck"]);
      }
      const last = scores.slice(-10).sort((a, b) => a - b);
      const median = ((last[(last.length - 1) >> 1] ?? 0) + (last[last.length >> 1] ?? 0)) / 2;
      expect(value).toBeCloseTo(median, 10);
    }),
  );
});

test("property: of zones that share an edge a point lies in exactly one", () => {
  const unit = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(unit, unit, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (x, y, middle) => {
      const left = [
        [0, 0],
        [middle, 0],
        [middle, 1],
        [0, 1],
      ] as const;
      const right = [
        [middle, 0],
        [1, 0],
        [1, 1],
        [middle, 1],
      ] as const;
      expect(Number(isInside([x, y], left)) + Number(isInside([x, y], right))).toBe(1);
    }),
  );
});

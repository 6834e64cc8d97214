import { Value } from "typebox/value";
import { expect, test } from "vitest";
import { SecondGrid } from "../../../gateway/pipeline/second-grid.ts";
import { decodeLevels } from "../../../protocol/level-series.ts";
import { NoiseBody } from "../../../protocol/noise.ts";
import { ELEVEN_AT_NIGHT, VirtualNight } from "./virtual-night.ts";

const wave = (second: number): number => 50 + ((second * 7) % 100) / 10;

function minutesOf(night: VirtualNight) {
  return night.journal.of("noise").map(({ device, body }) => ({ device, body }));
}

test("a minute of levels becomes one record, with every second in it", () => {
  const night = new VirtualNight();
  for (let second = 0; second < 125; second++) night.second({ levelDb: wave(second) });
  const minutes = minutesOf(night);
  expect(minutes.map(({ body }) => [body.series.fromMs - ELEVEN_AT_NIGHT, body.series.seconds])).toEqual([
    [0, 60],
    [60_000, 60],
  ]);
  for (const { body } of minutes) expect(Value.Check(NoiseBody, body)).toBe(true);
  const [first] = minutes;
  expect(decodeLevels(first?.body.series)?.map(({ levelDb }) => levelDb)).toEqual(
    Array.from({ length: 60 }, (_, second) => wave(second)),
  );
  expect(first?.body.statistics).toMatchObject({ n: 60, valid: 60, lamaxDb: 59.9 });
});

test("a kill in any second of a minute leaves the same minute records as no kill", () => {
  const whole = new VirtualNight();
  for (let second = 0; second < 190; second++) whole.second({ levelDb: wave(second) });
  const expected = minutesOf(whole);
  expect(expected).toHaveLength(3);
  for (let killAt = 1; killAt < 185; killAt++) {
    const night = new VirtualNight();
    for (let second = 0; second < 190; second++) {
      if (second === killAt) {
        night.flush();
        night.restart();
      }
      night.second({ levelDb: wave(second) });
    }
    expect(minutesOf(night), `killed at ${killAt}`).toEqual(expected);
  }
});

test("a kill without warning costs at most the last two seconds, as a gap", () => {
  for (let killAt = 2; killAt < 60; killAt++) {
    const night = new VirtualNight();
    for (let second = 0; second < 70; second++) {
      if (second === killAt) night.restart();
      night.second({ levelDb: wave(second) });
    }
    const [minute] = minutesOf(night);
    expect(minute?.body.statistics.valid, `killed at ${killAt}`).toBeGreaterThanOrEqual(58);
    expect(minute?.body.series.seconds).toBe(60);
  }
});

test("what did not come is a gap; what came invalid is kept as it was and used in nothing", () => {
  const night = new VirtualNight();
  for (let second = 0; second < 70; second++) {
    if (second === 10 || second === 11) night.second(undefined);
    else if (second === 20) night.second({ levelDb: 327.6, flags: ["out-of-range"] });
    else if (second === 30) night.second({ levelDb: null });
    else night.second({ levelDb: 60 });
  }
  const [minute] = minutesOf(night);
  expect(minute?.body.series.gaps).toEqual([
    [10, 2],
    [30, 1],
  ]);
  expect(minute?.body.series.flags).toEqual([
    [30, 1, "no-data"],
    [20, 1, "out-of-range"],
  ]);
  expect(decodeLevels(minute?.body.series)?.[20]?.levelDb).toBe(327.6);
  expect(minute?.body.statistics).toMatchObject({ n: 60, valid: 56, laeqDb: 60, lamaxDb: 60 });
});

test("a minute that a long stop cut short is closed with gaps at the next start", () => {
  const night = new VirtualNight();
  night.seconds(30, 55);
  night.flush();
  night.restart(3_600_000);
  night.second({ levelDb: 56 });
  const [minute] = minutesOf(night);
  expect(minute?.body.series).toMatchObject({ fromMs: ELEVEN_AT_NIGHT, seconds: 60, gaps: [[30, 30]] });
  expect(minute?.body.statistics).toMatchObject({ n: 60, valid: 30, laeqDb: 55 });
});

test("a silent meter's last minute is closed without waiting for its next level", () => {
  const night = new VirtualNight();
  night.seconds(30, 55);
  night.seconds(35, undefined);
  expect(minutesOf(night)).toHaveLength(1);
});

test("the working table stays small through a long night", () => {
  const night = new VirtualNight();
  night.seconds(1800, 55);
  expect(minutesOf(night)).toHaveLength(29);
  expect(night.journal.levelCount).toBeLessThan(320);
});

test("a meter read just at the turn of the second loses no second and gives none two", () => {
  const grid = new SecondGrid();
  const slots = Array.from({ length: 600 }, (_, index) => grid.slotOf(index * 1000 + (index % 2 === 0 ? 995 : 1004)));
  expect(slots).toEqual(Array.from({ length: 600 }, (_, index) => index));
});

test("a poll that failed is a gap: its neighbours do not move into it", () => {
  const grid = new SecondGrid();
  expect([500, 1500, 3500, 4500].map((atMs) => grid.slotOf(atMs))).toEqual([0, 1, 3, 4]);
});

test("a meter that streams twenty levels a second gives one level a second", () => {
  const grid = new SecondGrid();
  const slots = Array.from({ length: 200 }, (_, index) => grid.slotOf(index * 50)).filter((slot) => slot !== undefined);
  expect(slots.length).toBe(new Set(slots).size);
  expect(slots.length).toBeGreaterThanOrEqual(10);
  expect(slots.length).toBeLessThanOrEqual(11);
});

test("an old level is recorded as what it is and moves no rule", () => {
  const night = new VirtualNight();
  const reading = { kind: "noise", levelDb: 90, flags: [], quantity: "LAeq1s", atMs: night.utcMs - 60_000 } as const;
  for (let index = 0; index < 20; index++)
    night.take(night.pipeline.accept({ device: "noise-01", reading }, night.now()));
  expect(night.journal.of("measurement")).toHaveLength(20);
  expect(night.alarms()).toEqual([]);
});

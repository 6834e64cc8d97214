import { Value } from "typebox/value";
import { expect, test } from "vitest";
import type { PositionReading } from "../../../drivers/driver.ts";
import { PositionThinning } from "../../../gateway/pipeline/position-thinning.ts";
import { PositionBody } from "../../../protocol/bodies.ts";
import { SETTINGS, VirtualNight } from "./virtual-night.ts";

/** Of latitude; a little more than a metre, so that steps do not fall on a threshold. */
const DEG_PER_M = 1 / 111_195;

function fix(northM: number, speedMps?: number, bearingDeg = 0): PositionReading {
  const speed = speedMps === undefined ? {} : { speedMps, bearingDeg };
  return {
    kind: "position",
    latitudeDeg: 39.9 + northM * DEG_PER_M,
    longitudeDeg: 116.4,
    fix: "gnss",
    atMs: 0,
    ...speed,
  };
}

test("at a stand the place is held: drift makes no track, and there is no course", () => {
  const thinning = new PositionThinning(SETTINGS.position);
  const kept = Array.from({ length: 300 }, (_, second) =>
    thinning.take(fix(Math.sin(second) * 6, 0.4, (second * 37) % 360), second * 1000),
  ).filter((body) => body !== undefined);
  expect(new Set(kept.map(({ latitudeDeg }) => latitudeDeg)).size).toBe(1);
  expect(kept.length).toBeGreaterThanOrEqual(9);
  expect(kept.length).toBeLessThanOrEqual(11);
  for (const body of kept) {
    expect(body.bearingDeg).toBeUndefined();
    expect(body.speedMps).toBe(0);
    expect(Value.Check(PositionBody, body)).toBe(true);
  }
});

test("on the move a position is kept every 20 m, at each turn, and at least every 10 s", () => {
  const fast = new PositionThinning(SETTINGS.position);
  const kept = Array.from({ length: 60 }, (_, second) => fast.take(fix(second * 10, 10), second * 1000));
  expect(kept.filter((body) => body !== undefined)).toHaveLength(30);
  const slow = new PositionThinning(SETTINGS.position);
  const creeping = Array.from({ length: 61 }, (_, second) => slow.take(fix(second * 1.2, 1.2), second * 1000));
  expect(creeping.filter((body) => body !== undefined).length).toBeGreaterThanOrEqual(6);
  const turning = new PositionThinning(SETTINGS.position);
  turning.take(fix(0, 5, 0), 0);
  expect(turning.take(fix(5, 5, 10), 1000)).toBeUndefined();
  expect(turning.take(fix(10, 5, 350 - 360 + 45), 2000)).toBeDefined();
});

test("driving off from a stand is seen at once, and a receiver without a speed is held by distance", () => {
  const thinning = new PositionThinning(SETTINGS.position);
  for (let second = 0; second < 20; second++) thinning.take(fix(0, 0.1), second * 1000);
  thinning.take(fix(3, 4), 20_000);
  expect(thinning.take(fix(25, 8), 21_000)?.speedMps).toBe(8);
  const mute = new PositionThinning(SETTINGS.position);
  const places = [0, 4, -5, 8, 2]
    .map((northM, second) => mute.take(fix(northM), second * 1000))
    .filter((body) => body !== undefined);
  expect(new Set(places.map(({ latitudeDeg }) => latitudeDeg)).size).toBe(1);
  expect(mute.take(fix(60), 6000)?.latitudeDeg).toBeCloseTo(39.9 + 60 * DEG_PER_M, 6);
});

test("the other readings pass as they are, with their device and time", () => {
  const night = new VirtualNight();
  night.pass(10_000);
  const atMs = night.utcMs - 2000;
  const subject = { type: "issi", id: "1234567" } as const;
  const send = (reading: Parameters<typeof night.pipeline.accept>[0]["reading"]) =>
    night.pipeline.accept({ device: "radio", subject, reading }, night.now());
  const dust = send({ kind: "measurement", quantity: "PM10", unit: "µg/m³", value: 81, atMs });
  expect(dust.writes[0]).toMatchObject({
    urgency: "grouped",
    write: { append: [{ kind: "measurement", body: { quantity: "PM10", unit: "µg/m³", value: 81 } }] },
  });
  const first = send({ kind: "time", utcMs: atMs + 500, source: "gnss", atMs });
  expect(first.writes[0]?.write.append?.[0]).toMatchObject({
    kind: "time",
    body: { upMs: 8000, utcMs: atMs + 500, quality: "gnss" },
  });
  expect(send({ kind: "time", utcMs: atMs + 600, source: "gnss", atMs }).writes).toEqual([]);
});

test("positions that a vehicle kept are a track of their own: each that moved is recorded, and the live one is not broken", () => {
  const night = new VirtualNight();
  night.pass(3_600_000);
  const subject = { type: "terminal", id: "013912345678" } as const;
  const send = (northM: number, atMs: number) =>
    night.pipeline.accept({ device: "vehicles", subject, reading: { ...fix(northM, 10), atMs } }, night.now()).writes
      .length;
  expect(send(5000, night.utcMs)).toBe(1);
  const kept = Array.from({ length: 60 }, (_, second) => send(second * 10, night.utcMs - 1_800_000 + second * 1000));
  expect(kept.filter((writes) => writes > 0)).toHaveLength(30);
  expect(send(5003, night.utcMs)).toBe(0);
});

test("a change of health becomes a device record", () => {
  const night = new VirtualNight();
  const body = { state: "silent", sinceMs: night.utcMs } as const;
  const { writes } = night.pipeline.health({ device: "noise-01", body }, night.now());
  expect(writes[0]?.write.append).toMatchObject([{ kind: "device", device: "noise-01", body }]);
});

test("a vehicle's alarm stands where its receiver last stood", () => {
  const { site: _, ...vehicle } = SETTINGS;
  const night = new VirtualNight(vehicle);
  night.take(night.pipeline.accept({ device: "gps", reading: { ...fix(0, 3), atMs: night.utcMs } }, night.now()));
  night.seconds(15, 80);
  expect(night.alarms()[0]?.position).toEqual({ latitudeDeg: 39.9, longitudeDeg: 116.4 });
});

test("each live level is there for viewers at once", () => {
  const night = new VirtualNight();
  night.seconds(3, 61.23);
  expect(night.live.map(({ device, level }) => [device, level.levelDb])).toEqual([
    ["noise-01", 61.2],
    ["noise-01", 61.2],
    ["noise-01", 61.2],
  ]);
});

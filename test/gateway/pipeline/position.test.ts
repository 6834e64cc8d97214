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

const PLACE = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
const HALF_AN_HOUR_S = 1800;

/** A node without a site, whose receiver has just given one fix. */
function vehicle(speedMps?: number): VirtualNight {
  const { site: _, ...settings } = SETTINGS;
  const night = new VirtualNight(settings);
  night.take(
    night.pipeline.accept({ device: "gps", reading: { ...fix(0, speedMps), atMs: night.utcMs } }, night.now()),
  );
  return night;
}

test("a vehicle's alarm stands where its receiver last stood", () => {
  const night = vehicle(3);
  night.seconds(15, 80);
  expect(night.alarms()[0]?.position).toEqual(PLACE);
});

test("a vehicle whose receiver has died is soon nowhere: its alarms and their evidence have no place rather than an old one", () => {
  for (const speedMps of [12, undefined]) {
    const night = vehicle(speedMps);
    night.seconds(45, undefined);
    night.seconds(12, 80);
    expect(night.alarms().map(({ position }) => position)).toEqual([PLACE]);
    night.seconds(HALF_AN_HOUR_S, 80);
    expect(night.alarms().length).toBeGreaterThan(10);
    expect(night.alarms().at(-1)?.position).toBeUndefined();
    expect(night.pipeline.position).toBeUndefined();
    expect(night.journal.of("evidence").map(({ body }) => body.position)).toEqual([undefined]);
    // One fix, and it is somewhere again.
    night.take(night.pipeline.accept({ device: "gps", reading: { ...fix(0, 12), atMs: night.utcMs } }, night.now()));
    night.seconds(31, 80);
    expect(night.alarms().at(-1)?.position).toEqual(PLACE);
  }
});

test("where a fix said that it stands, it stands until the next one, and where its config says, for ever", () => {
  const standing = vehicle(0.3);
  const site = new VirtualNight();
  for (const night of [standing, site]) {
    night.seconds(HALF_AN_HOUR_S, undefined);
    night.seconds(15, 80);
  }
  expect(standing.alarms()[0]?.position).toEqual(PLACE);
  expect(site.alarms()[0]?.position).toEqual(SETTINGS.site);
});

test("a parked vehicle is where it was parked, and from the ignition on a fix counts as long as any other", () => {
  const night = vehicle(3);
  night.seconds(10, undefined);
  night.pipeline.park(true, 30);
  night.seconds(HALF_AN_HOUR_S, undefined);
  expect(night.pipeline.position).toEqual(PLACE);
  night.pipeline.park(false, 1);
  night.seconds(SETTINGS.position.holdS, undefined);
  expect(night.pipeline.position).toEqual(PLACE);
  night.seconds(1, undefined);
  expect(night.pipeline.position).toBeUndefined();
  // Nobody knows where, and parking does not tell.
  night.pipeline.park(true, 30);
  expect(night.pipeline.position).toBeUndefined();
  // A stand before the drive says nothing of what comes after it.
  const stood = vehicle(0.3);
  stood.pipeline.park(true, 30);
  stood.seconds(10, undefined);
  stood.pipeline.park(false, 1);
  stood.seconds(HALF_AN_HOUR_S, undefined);
  expect(stood.pipeline.position).toBeUndefined();
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

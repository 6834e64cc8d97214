import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import type { MeasurementReading } from "../../../../drivers/driver.ts";
import { factorOf } from "../../../../drivers/hj212/factors.ts";
import { WeatherWatch } from "../../../../gateway/pipeline/acoustics/weather-watch.ts";
import type { ExceedanceSettings, PipelineSettings, WeatherSettings } from "../../../../gateway/pipeline/settings.ts";
import { AlarmBody } from "../../../../protocol/alarm.ts";
import type { Subject } from "../../../../protocol/ids.ts";
import { NIGHT_NOISE, SETTINGS, VirtualNight } from "../virtual-night.ts";

const NOON = Date.UTC(2026, 10, 21, 4);
const METER = { device: "noise-01" };
const WINDOW_S = 1200;
const LIMITS: ExceedanceSettings = {
  name: "limits-20min",
  kind: "exceedance",
  device: "noise-01",
  standard: "GB12523",
  zone: "boundary",
  indoor: false,
  minValidPct: 75,
  updateEveryS: 300,
  sameAlarmS: 600,
};

const bound = (weather: Partial<WeatherSettings> = {}): Pick<PipelineSettings, "devices" | "rules"> => ({
  rules: [LIMITS],
  devices: [{ id: "noise-01", weather: { holdS: 120, rain: "auto", ...weather } }],
});
const at = (second: number) => ({ atMs: NOON + second * 1000, upMs: second * 1000, timeQuality: "ntp" }) as const;
const wind = (value: number | null, second: number): MeasurementReading => ({
  kind: "measurement",
  quantity: "windSpeed",
  unit: "m/s",
  value,
  atMs: NOON + second * 1000,
});
const rain = (value: number, second: number): MeasurementReading => ({
  ...wind(value, second),
  quantity: "rain",
  unit: "mm",
});

describe("wind", () => {
  test("above 5 m/s is too much, 5 m/s is not", () => {
    const watch = new WeatherWatch({ rules: [] });
    watch.take(METER, wind(5, 0), at(0));
    expect(watch.at(METER, 1000)).toEqual({ sample: { windMps: 5 }, isTooBad: false });
    watch.take(METER, wind(5.1, 2), at(2));
    expect(watch.at(METER, 3000)).toEqual({ sample: { windMps: 5.1 }, isTooBad: true });
    watch.take(METER, wind(3, 4), at(4));
    expect(watch.at(METER, 5000)?.isTooBad).toBe(false);
  });

  test("a reading is good for its hold time, and then nothing is known", () => {
    const watch = new WeatherWatch(bound({ holdS: 30 }));
    watch.take(METER, wind(9, 0), at(0));
    expect(watch.at(METER, 30_000)?.isTooBad).toBe(true);
    expect(watch.at(METER, 30_001)).toBeUndefined();
  });

  test("what came late is judged by when it was measured, and never replaces what is newer", () => {
    const watch = new WeatherWatch(bound());
    watch.take(METER, wind(9, 0), at(121));
    expect(watch.at(METER, 121_000)).toBeUndefined();
    watch.take(METER, wind(2, 120), at(122));
    watch.take(METER, wind(9, 100), at(123));
    expect(watch.at(METER, 124_000)?.sample).toEqual({ windMps: 2 });
  });

  test("no value, a flagged one, another unit and another quantity are no weather", () => {
    const watch = new WeatherWatch(bound());
    watch.take(METER, wind(null, 0), at(0));
    watch.take(METER, { ...wind(9, 0), flag: "out-of-range" }, at(0));
    watch.take(METER, { ...wind(9, 0), unit: "km/h" }, at(0));
    watch.take(METER, { ...wind(9, 0), quantity: "windDirection" }, at(0));
    watch.take(METER, wind(Number.NaN, 0), at(0));
    watch.take(METER, wind(-3, 0), at(0));
    expect(watch.at(METER, 1)).toBeUndefined();
  });

  test("the mean of ten minutes is weather, that of an hour is not; a station's clock that is off does not matter", () => {
    const mean = (minutes: number): MeasurementReading => ({
      ...wind(9, 0),
      fromMs: NOON - minutes * 60_000,
      toMs: NOON,
      flag: "clock+600s",
    });
    const heard = (reading: MeasurementReading) => {
      const watch = new WeatherWatch(bound());
      watch.take(METER, reading, at(0));
      return watch.at(METER, 1)?.isTooBad;
    };
    expect([heard(mean(10)), heard(mean(60))]).toEqual([true, undefined]);
  });

  test("wind by HJ 212 has the name and unit that are looked for", () => {
    const factor = factorOf("a01007", "µg/m³")?.factor;
    expect(factor).toMatchObject({ quantity: wind(0, 0).quantity, unit: wind(0, 0).unit });
  });

  test("the config may say another limit", () => {
    const watch = new WeatherWatch(bound({ maxWindMps: 8 }));
    watch.take(METER, wind(7, 0), at(0));
    expect(watch.at(METER, 1)?.isTooBad).toBe(false);
  });
});

describe("rain", () => {
  const wet = (weather: Partial<WeatherSettings>, ...readings: readonly MeasurementReading[]): boolean | undefined => {
    const watch = new WeatherWatch(bound(weather));
    for (const [second, reading] of readings.entries()) watch.take(METER, reading, at(second));
    return watch.at(METER, readings.length * 1000)?.isTooBad;
  };

  test("a counter that stands says that it is dry, one that rises or begins anew with something says rain", () => {
    expect(wet({}, rain(12.4, 0), rain(12.4, 1))).toBe(false);
    expect(wet({}, rain(12.4, 0), rain(12.6, 1))).toBe(true);
    expect(wet({}, rain(12.4, 0), rain(0, 1))).toBe(false);
    expect(wet({}, rain(12.4, 0), rain(0.2, 1))).toBe(true);
  });

  test("what fell within a period is rain by itself, where the reading names the period or the config says so", () => {
    const ofMinute = { ...rain(0.2, 0), fromMs: NOON - 60_000, toMs: NOON };
    expect(wet({}, ofMinute)).toBe(true);
    expect(wet({}, { ...ofMinute, value: 0 })).toBe(false);
    expect(wet({ rain: "total" }, ofMinute)).toBe(false);
    expect(wet({ rain: "amount" }, rain(0.2, 0))).toBe(true);
  });

  test("rain lasts for the hold time after the last sign of it", () => {
    const watch = new WeatherWatch(bound({ holdS: 60 }));
    watch.take(METER, rain(1, 0), at(0));
    watch.take(METER, rain(1.2, 10), at(10));
    watch.take(METER, rain(1.2, 50), at(50));
    expect(watch.at(METER, 70_000)?.sample).toEqual({ isRaining: true });
    expect(watch.at(METER, 70_001)?.sample).toEqual({ isRaining: false });
  });
});

describe("whose weather", () => {
  const station = (id: string): Subject => ({ type: "station", id });

  test("a meter takes its own device's, and behind a listener its own station's", () => {
    const watch = new WeatherWatch({ rules: [] });
    watch.take({ device: "stations", subject: station("A") }, wind(9, 0), at(0));
    expect(watch.at({ device: "stations", subject: station("A") }, 1)?.isTooBad).toBe(true);
    expect(watch.at({ device: "stations", subject: station("B") }, 1)).toBeUndefined();
    expect(watch.at(METER, 1)).toBeUndefined();
  });

  test("one that names a device, or a station behind it, takes that one's and no longer its own", () => {
    const mast = new WeatherWatch(bound({ device: "mast" }));
    mast.take(METER, wind(9, 0), at(0));
    expect(mast.at(METER, 1)).toBeUndefined();
    mast.take({ device: "mast" }, wind(6, 0), at(0));
    expect(mast.at(METER, 1)?.sample).toEqual({ windMps: 6 });
    const behind = new WeatherWatch(bound({ device: "stations", station: "A" }));
    behind.take({ device: "stations", subject: station("A") }, wind(6, 0), at(0));
    expect(behind.at(METER, 1)?.sample).toEqual({ windMps: 6 });
  });
});

describe("in the pipeline", () => {
  const hear = (site: VirtualNight, reading: Omit<MeasurementReading, "atMs">): void =>
    site.take(site.pipeline.accept({ device: "noise-01", reading: { ...reading, atMs: site.utcMs } }, site.now()));

  test("a finding leaves windy seconds out, counts them and says how strong the wind was", () => {
    const site = new VirtualNight({ ...SETTINGS, rules: [LIMITS] }, NOON);
    site.seconds(600, 75);
    hear(site, wind(8.2, 0));
    site.seconds(120, 90);
    hear(site, wind(2, 0));
    site.seconds(481, 75);
    const [alarm] = site.alarms();
    expect(Value.Check(AlarmBody, alarm)).toBe(true);
    expect(alarm?.finding).toMatchObject({
      n: WINDOW_S,
      laeqDb: 75,
      excluded: { weather: 120, invalid: 0, absent: 0 },
      weather: { windMps: 8.2 },
    });
    expect(alarm?.finding?.weather).not.toHaveProperty("hasRained");
    site.restart();
    expect(site.journal.restore().levels.some(({ flags }) => flags.includes("weather"))).toBe(true);
  });

  test("more weather than the valid part allows gives no finding, and without a reading there is no flag", () => {
    const site = new VirtualNight({ ...SETTINGS, rules: [LIMITS] }, NOON);
    for (let minute = 0; minute < 21; minute++) {
      hear(site, wind(12, 0));
      site.seconds(60, 90);
    }
    expect(site.alarms()).toEqual([]);
    site.seconds(121 + WINDOW_S, 90);
    expect(site.alarms()[0]?.finding).toMatchObject({ exceeds: ["laeq"] });
    expect(site.live.at(-1)?.level.flags).toEqual([]);
  });

  test("a trigger is raised in wind and rain as ever", () => {
    const site = new VirtualNight({ ...SETTINGS, rules: [NIGHT_NOISE] });
    hear(site, wind(30, 0));
    hear(site, rain(1, 0));
    hear(site, rain(9, 0));
    site.seconds(10, 71);
    expect(site.phases()).toEqual(["raised 1"]);
    expect(site.live.at(-1)?.level.flags).toEqual(["weather"]);
  });
});

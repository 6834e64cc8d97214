import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import type { LevelWatchSettings, PipelineSettings } from "../../../../gateway/pipeline/settings.ts";
import { AlarmBody } from "../../../../protocol/alarm.ts";
import { SETTINGS, VirtualNight } from "../virtual-night.ts";

const LEVEL_WATCH: LevelWatchSettings = {
  enabled: true,
  stuckAfterS: 120,
  floorDb: 25,
  floorWindowS: 300,
  coveredWindowS: 120,
  coveredBaselineS: 300,
  coveredDropDb: 20,
  coveredSpreadDb: 1,
};
const WATCHED: PipelineSettings = {
  ...SETTINGS,
  rules: [],
  levelWatch: LEVEL_WATCH,
  devices: [{ id: "noise-01" }],
};

/** A street: a level that moves as sound does. */
const street = (second: number, meanDb = 50, swingDb = 3): number =>
  Math.round((meanDb + swingDb * Math.sin(second / 3) + (swingDb / 2) * Math.sin(second / 1.7)) * 10) / 10;

function hear(site: VirtualNight, seconds: number, levelAt: (second: number) => number | null | undefined): void {
  for (let second = 0; second < seconds; second++) {
    const levelDb = levelAt(second);
    site.second(levelDb === undefined ? undefined : { levelDb });
  }
}

const told = (site: VirtualNight): string[] => site.alarms().map(({ rule, phase }) => `${rule} ${phase}`);
const codes = (site: VirtualNight) => site.journal.of("device").map(({ body }) => body.code ?? "-");

describe("a level that is stuck", () => {
  test("for two minutes raises a fault, and three values in a minute end it", () => {
    const site = new VirtualNight(WATCHED);
    hear(site, 60, street);
    hear(site, 119, () => 53.6);
    expect(told(site)).toEqual([]);
    hear(site, 6, () => 53.6);
    expect(told(site)).toEqual(["level-stuck raised"]);
    const [alarm] = site.alarms();
    expect(Value.Check(AlarmBody, alarm)).toBe(true);
    expect(alarm).toMatchObject({ family: "fault", nature: "condition", limits: { levelDb: 53.6, stuckAfterS: 120 } });
    hear(site, 300, (second) => (second % 2 === 0 ? 53.6 : 53.7));
    expect(told(site)).toEqual(["level-stuck raised"]);
    hear(site, 65, street);
    expect(told(site)).toEqual(["level-stuck raised", "level-stuck cleared"]);
    expect(site.pipeline.openAlarms()).toEqual([]);
  });

  test("is not one that moves by a tenth, nor one that says nothing", () => {
    const site = new VirtualNight(WATCHED);
    hear(site, 600, (second) => 50 + (second % 100 === 0 ? 0.1 : 0));
    hear(site, 600, () => null);
    hear(site, 600, () => undefined);
    expect(told(site)).toEqual([]);
  });

  test("does not keep a trigger from raising or clearing, nor end with it", () => {
    const [trigger] = SETTINGS.rules;
    const site = new VirtualNight({ ...WATCHED, rules: trigger === undefined ? [] : [trigger] });
    hear(site, 200, () => 80);
    hear(site, 70, () => 50);
    const phases = told(site).filter((line) => !line.includes("updated"));
    expect(phases).toEqual(["night-noise raised", "level-stuck raised", "night-noise cleared"]);
  });
});

describe("a level that is implausibly low", () => {
  test("over five minutes raises a fault, and a minute above the floor ends it", () => {
    const site = new VirtualNight(WATCHED);
    hear(site, 306, (second) => street(second, 21, 1));
    expect(told(site)).toEqual(["level-implausible raised"]);
    hear(site, 400, (second) => street(second, 21, 1));
    hear(site, 65, (second) => street(second, 35));
    expect(told(site)).toEqual(["level-implausible raised", "level-implausible cleared"]);
  });

  test("is one below the site's own floor, which is a setting", () => {
    const site = new VirtualNight({ ...WATCHED, levelWatch: { ...LEVEL_WATCH, floorDb: 18 } });
    hear(site, 600, (second) => street(second, 21, 1));
    expect(told(site)).toEqual([]);
  });
});

describe("a microphone that is covered", () => {
  test("drops at once and hardly moves: a fault, until it is heard again", () => {
    const site = new VirtualNight(WATCHED);
    hear(site, 400, (second) => street(second, 62));
    hear(site, 130, (second) => street(second, 36, 0.2));
    expect(told(site)).toEqual(["level-covered raised"]);
    hear(site, 600, (second) => street(second, 36, 0.2));
    hear(site, 66, (second) => street(second, 62));
    expect(told(site)).toEqual(["level-covered raised", "level-covered cleared"]);
  });

  test("is not a machine that stops: the street that is left still moves", () => {
    const site = new VirtualNight(WATCHED);
    hear(site, 400, (second) => street(second, 82, 2));
    hear(site, 900, (second) => street(second, 48, 2));
    expect(told(site)).toEqual([]);
  });

  test("is not a site that grows quiet slowly", () => {
    const site = new VirtualNight(WATCHED);
    hear(site, 1800, (second) => street(second, 70 - second / 60, Math.max(0.3, 3 - second / 600)));
    expect(told(site)).toEqual([]);
  });
});

test("the device's health says it while it stands, beside being online", () => {
  const site = new VirtualNight(WATCHED);
  const online = { state: "online", sinceMs: site.utcMs } as const;
  site.take(site.pipeline.health({ device: "noise-01", body: online }, site.now()));
  hear(site, 126, () => 53.6);
  expect(codes(site)).toEqual(["-", "LEVEL_STUCK"]);
  site.take(site.pipeline.health({ device: "noise-01", body: online }, site.now()));
  expect(codes(site).at(-1)).toBe("LEVEL_STUCK");
  expect(site.pipeline.levelFaults()).toMatchObject([{ device: "noise-01", code: "LEVEL_STUCK" }]);
  const silent = { state: "silent", sinceMs: site.utcMs, code: "MODBUS_TIMEOUT" } as const;
  site.take(site.pipeline.health({ device: "noise-01", body: silent }, site.now()));
  expect(codes(site).at(-1)).toBe("MODBUS_TIMEOUT");
  site.take(site.pipeline.health({ device: "noise-01", body: online }, site.now()));
  hear(site, 65, street);
  expect(codes(site).at(-1)).toBe("-");
  expect(site.pipeline.levelFaults()).toEqual([]);
});

test("killed at any moment the fault stands on, and ends in the same second", () => {
  const story = (second: number): number => (second < 40 || second >= 260 ? street(second) : 61.2);
  const run = (killAt: number | undefined): string[] => {
    const site = new VirtualNight(WATCHED);
    for (let second = 0; second < 400; second++) {
      if (second === killAt) {
        site.flush();
        site.restart();
      }
      site.second({ levelDb: story(second) });
    }
    return site
      .alarms()
      .map(({ rule, phase, rev, stateAtMs, alarmId }) => [rule, phase, rev, stateAtMs, alarmId].join());
  };
  const whole = run(undefined);
  expect(whole).toHaveLength(2);
  for (let killAt = 1; killAt < 400; killAt += 13) expect(run(killAt), `killed at ${killAt}`).toEqual(whole);
});

test("turned off, it ends its alarms by saying so", () => {
  const site = new VirtualNight(WATCHED);
  hear(site, 130, () => 53.6);
  site.restart(1000, { ...WATCHED, levelWatch: { ...LEVEL_WATCH, enabled: false } });
  expect(site.alarms().at(-1)).toMatchObject({ rule: "level-stuck", phase: "cleared", clearReason: "rule-removed" });
  hear(site, 300, () => 53.6);
  expect(site.alarms()).toHaveLength(2);
});

test("an exceedance is not cleared by a meter whose level is not to be believed", () => {
  const limits = {
    name: "limits-20min",
    kind: "exceedance",
    device: "noise-01",
    standard: "GB12523",
    zone: "boundary",
    indoor: false,
    minValidPct: 75,
    updateEveryS: 300,
    sameAlarmS: 600,
  } as const;
  const open = (levelAt: (second: number) => number): string[] => {
    const site = new VirtualNight({ ...WATCHED, rules: [limits] });
    hear(site, 1260, (second) => street(second, 78));
    hear(site, 3600, levelAt);
    return site.pipeline.openAlarms().map(({ rule }) => rule);
  };
  expect(open(() => 40)).toContain("limits-20min");
  expect(open((second) => street(second, 45))).toEqual([]);
});

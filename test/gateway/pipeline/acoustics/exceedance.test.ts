import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import type { ExceedanceSettings, PipelineSettings } from "../../../../gateway/pipeline/settings.ts";
import { AlarmBody } from "../../../../protocol/alarm.ts";
import type { MeterFacts } from "../../../../protocol/finding.ts";
import { decodeLevels } from "../../../../protocol/level-series.ts";
import { MAX_URGENT_BODY_BYTES } from "../../../../protocol/limits.ts";
import { SETTINGS, VirtualNight } from "../virtual-night.ts";

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
const MINUTE = 60;
const WINDOW = 20 * MINUTE;
/** 2026-11-21 10:00 and 23:00 in Beijing. */
const MORNING = Date.UTC(2026, 10, 21, 2);
const NIGHT = Date.UTC(2026, 10, 21, 15);

const settingsOf = (rule: Partial<ExceedanceSettings> = {}, meter?: MeterFacts): PipelineSettings => ({
  ...SETTINGS,
  rules: [{ ...LIMITS, ...rule }],
  devices: [{ id: "noise-01", ...(meter === undefined ? {} : { meter }) }],
});
const siteAt = (startMs: number, rule: Partial<ExceedanceSettings> = {}, meter?: MeterFacts): VirtualNight =>
  new VirtualNight(settingsOf(rule, meter), startMs);

describe("raising", () => {
  test("20 minutes above the day limit raise a finding, and a minute less does not", () => {
    const site = siteAt(MORNING);
    site.seconds(WINDOW, 70.1);
    expect(site.phases()).toEqual([]);
    site.seconds(1, 70.1);
    expect(site.phases()).toEqual(["raised 1"]);
    const [alarm] = site.alarms();
    expect(Value.Check(AlarmBody, alarm)).toBe(true);
    expect(alarm).toMatchObject({
      family: "noise",
      nature: "condition",
      ruleKind: "exceedance",
      ruleSet: "GB12523-2025",
      limits: { limitDb: 70, roundToDb: 0.1, windowS: 1200, minValidPct: 75 },
      windows: [{ name: "window", fromMs: MORNING, toMs: MORNING + WINDOW * 1000, n: 1200, valid: 1200, laeqDb: 70.1 }],
      finding: {
        ruleSet: "GB12523-2025",
        zone: "boundary",
        period: "day",
        exceeds: ["laeq"],
        limitDb: 70,
        laeqDb: 70.1,
        validPct: 100,
        estimated: false,
        isValid: true,
        mainSource: null,
        measuredBy: "machine",
      },
    });
    expect(alarm?.finding?.lamaxLimitDb).toBeUndefined();
  });

  test("70.0 by day and 55.0 by night are within the limit, a tenth more is not", () => {
    const raised = (startMs: number, levelDb: number): number => {
      const site = siteAt(startMs);
      site.seconds(WINDOW + 2, levelDb);
      return site.alarms().length;
    };
    expect([raised(MORNING, 70), raised(MORNING, 70.1), raised(NIGHT, 55), raised(NIGHT, 55.1)]).toEqual([0, 1, 0, 1]);
  });

  test("one second of 100 dB in 20 quiet minutes is an exceedance of LAeq: energy, not decibels", () => {
    const site = siteAt(MORNING);
    site.seconds(600, 70);
    site.seconds(1, 100);
    site.seconds(601, 70);
    expect(site.alarms()[0]?.finding).toMatchObject({ laeqDb: 72.63, lamaxDb: 100, exceeds: ["laeq"] });
  });

  test("at night LAmax may exceed the limit by 15 dB and no more, by day it has no limit", () => {
    const exceeds = (startMs: number, peakDb: number) => {
      const site = siteAt(startMs);
      site.seconds(300, 40);
      site.seconds(1, peakDb);
      site.seconds(WINDOW - 298, 40);
      return site.alarms()[0]?.finding?.exceeds;
    };
    expect(exceeds(NIGHT, 70)).toBeUndefined();
    expect(exceeds(NIGHT, 70.1)).toEqual(["lamax"]);
    expect(exceeds(MORNING, 75)).toBeUndefined();
  });

  test("a window that lies in two periods is not judged", () => {
    const site = siteAt(Date.UTC(2026, 10, 21, 13, 45));
    site.seconds(15 * MINUTE + WINDOW, 65);
    expect(site.phases()).toEqual([]);
    site.seconds(1, 65);
    expect(site.alarms()[0]?.finding).toMatchObject({ period: "night", fromMs: Date.UTC(2026, 10, 21, 14) });
  });

  test("where nobody knows the time it is night, and the finding says that the clock is not trusted", () => {
    const site = siteAt(MORNING);
    site.timeQuality = "none";
    site.seconds(WINDOW + 1, 60);
    expect(site.alarms()[0]?.finding).toMatchObject({
      period: "night",
      limitDb: 55,
      isValid: false,
      reasons: ["clock-untrusted"],
    });
  });

  test("a sampled level says that it is an estimate", () => {
    const site = siteAt(MORNING);
    site.quantity = "LAS";
    site.seconds(WINDOW + 1, 80);
    expect(site.alarms()[0]).toMatchObject({ estimated: true, finding: { estimated: true, quantity: "LAS" } });
  });

  test("of 20 minutes a quarter may be missing; rain, calibration and gaps are counted, not averaged", () => {
    const run = (spoiltS: number) => {
      const site = siteAt(MORNING);
      for (let second = 0; second <= WINDOW; second++) {
        if (second < 60) site.second({ levelDb: 71 });
        else if (second < 160) site.second(undefined);
        else if (second < 260) site.second({ levelDb: 100, flags: ["weather"] });
        else if (second < spoiltS) site.second({ levelDb: 94, flags: ["calibration"] });
        else site.second({ levelDb: 71 });
      }
      return site.alarms()[0]?.finding;
    };
    expect(run(360)).toMatchObject({
      n: 1200,
      valid: 900,
      validPct: 75,
      laeqDb: 71,
      excluded: { absent: 100, weather: 100, calibration: 100, maintenance: 0, invalid: 0 },
    });
    expect(run(361)).toBeUndefined();
  });

  test("a meter that has just begun is judged once it was read in 20 minutes, not after the part of them that must be valid", () => {
    const site = siteAt(MORNING + 30_000);
    site.seconds(WINDOW - 30, 80);
    expect(site.phases()).toEqual([]);
    site.seconds(1, 80);
    expect(site.phases()).toEqual(["raised 1"]);
  });

  test("a trigger on the same meter is not a finding and has none", () => {
    const [trigger] = SETTINGS.rules;
    const site = new VirtualNight({ ...settingsOf(), rules: [LIMITS, ...(trigger === undefined ? [] : [trigger])] });
    site.seconds(WINDOW + 1, 75);
    const kinds = site
      .alarms()
      .map(({ ruleKind, finding }) => `${ruleKind} ${finding === undefined ? "-" : "finding"}`);
    expect(new Set(kinds)).toEqual(new Set(["trigger -", "exceedance finding"]));
  });

  test("its evidence is the whole window, second by second", () => {
    const site = siteAt(MORNING);
    site.seconds(WINDOW + 5, 72);
    const [evidence] = site.journal.of("evidence");
    const [part] = evidence?.body.parts ?? [];
    expect(evidence?.body.evidenceId).toBe(site.alarms()[0]?.evidence[0]);
    expect(part?.fromMs).toBe(MORNING);
    expect(decodeLevels(part?.series)?.filter(({ levelDb }) => levelDb === 72)).toHaveLength(1201);
  });
});

describe("the limits", () => {
  const findingOf = (rule: Partial<ExceedanceSettings>, levelDb: number, meter?: MeterFacts, startMs = MORNING) => {
    const site = siteAt(startMs, rule, meter);
    site.seconds(WINDOW + 1, levelDb);
    return site.alarms()[0]?.finding;
  };

  test("are those of the edition that was valid on the day, or of the one that the config names", () => {
    const before = Date.UTC(2025, 11, 30, 2);
    expect(findingOf({}, 75, undefined, before)?.ruleSet).toBe("GB12523-2011");
    expect(findingOf({}, 75)?.ruleSet).toBe("GB12523-2025");
    expect(findingOf({ ruleSet: "GB12523-2011" }, 75)?.ruleSet).toBe("GB12523-2011");
    expect(findingOf({ standard: "GB3096", zone: "1" }, 55.1)).toMatchObject({ ruleSet: "GB3096-2008", limitDb: 55 });
  });

  test("are ten lower for an indoor point", () => {
    expect(findingOf({ indoor: true }, 61)).toMatchObject({ limitDb: 60, isIndoor: true });
  });

  test("hold for the level without its background, by the step table", () => {
    expect(findingOf({ background: { levelDb: 64 } }, 71)).toBeUndefined();
    expect(findingOf({ background: { levelDb: 61, measuredOn: "2026-11-01" } }, 71.2)).toMatchObject({
      laeqDb: 71.2,
      correctedDb: 71.2,
      background: { levelDb: 61, measuredOn: "2026-11-01", correctionDb: 0 },
    });
    expect(findingOf({ background: { levelDb: 66 } }, 72.6)).toMatchObject({ correctedDb: 71.6 });
  });

  test("cannot be judged where the background is too near, which is no quiet either", () => {
    const site = siteAt(MORNING);
    site.seconds(WINDOW + 1, 75);
    site.restart(0, settingsOf({ background: { levelDb: 70 } }));
    site.seconds(2 * WINDOW, 72);
    expect(site.pipeline.openAlarms()).toHaveLength(1);
    expect(findingOf({ background: { levelDb: 70 } }, 72)).toBeUndefined();
  });

  test("a calibration that drifted makes the finding invalid, and never clears", () => {
    const drifted: MeterFacts = { class: 2, calibration: { beforeDb: 93.8, afterDb: 94.4 } };
    const site = siteAt(MORNING, {}, drifted);
    site.seconds(WINDOW + 1, 75);
    expect(site.alarms()[0]?.finding).toMatchObject({ isValid: false, reasons: ["calibration-drift"], driftDb: 0.6 });
    site.seconds(2 * WINDOW, 40);
    expect(site.pipeline.openAlarms()).toHaveLength(1);
  });
});

describe("clearing", () => {
  const raised = (): VirtualNight => {
    const site = siteAt(MORNING);
    site.seconds(WINDOW + 30, 75);
    return site;
  };
  const isOpen = (site: VirtualNight): boolean => site.pipeline.openAlarms().length === 1;

  test("takes one full window within the limit, wholly after the one that raised", () => {
    const site = raised();
    site.seconds(WINDOW - 30, 50);
    expect(isOpen(site)).toBe(true);
    site.seconds(1, 50);
    const last = site.alarms().at(-1);
    expect(last).toMatchObject({ phase: "cleared", clearReason: "quiet", finding: { laeqDb: 75, exceeds: ["laeq"] } });
    const [window] = last?.windows ?? [];
    expect(window).toMatchObject({ name: "clear", n: 1200, valid: 1200 });
    expect(window?.fromMs).toBeGreaterThanOrEqual((last?.raisedAtMs ?? 0) - 60_000);
    expect(window?.laeqDb).toBeLessThanOrEqual(70);
  });

  test("silence, nulls, rain and invalid levels never clear, however long", () => {
    for (const second of [
      undefined,
      { levelDb: null },
      { levelDb: 40, flags: ["fault"] as const },
      { levelDb: 40, flags: ["weather"] as const },
    ]) {
      const site = raised();
      for (let index = 0; index < 3 * WINDOW; index++) site.second(second);
      expect(isOpen(site)).toBe(true);
    }
  });

  test("within the limit of the period that it is then: 60 dB by night goes on, by day it is over", () => {
    const site = siteAt(Date.UTC(2026, 10, 21, 21, 20));
    site.seconds(WINDOW + 20 * MINUTE, 60);
    expect(isOpen(site)).toBe(true);
    site.seconds(WINDOW + 1, 60);
    expect(site.alarms().at(-1)).toMatchObject({ phase: "cleared", limits: { limitDb: 70 }, finding: { limitDb: 55 } });
  });

  test("updates come every five minutes and carry the worst window", () => {
    const site = raised();
    site.seconds(900, 85);
    site.seconds(600, 72);
    const updates = site.alarms().filter(({ phase }) => phase === "updated");
    expect(updates.length).toBeGreaterThanOrEqual(4);
    const levels = updates.map(({ finding }) => finding?.laeqDb ?? 0);
    expect(levels).toEqual(levels.toSorted((a, b) => a - b));
    for (const { peak } of updates) expect(peak?.value).toBe(85);
  });
});

test("killed at any moment, the alarm goes on: same id, raised and cleared in the same second", () => {
  const story = (second: number): number => (second < WINDOW + 90 ? 72 : 50);
  const run = (killAt: number | undefined): string[] => {
    const site = siteAt(MORNING);
    for (let second = 0; second < 2 * WINDOW + 200; second++) {
      if (second === killAt) {
        site.flush();
        site.restart();
      }
      site.second({ levelDb: story(second) });
    }
    return site
      .alarms()
      .map(({ phase, rev, stateAtMs, alarmId, windows }) =>
        [phase, rev, stateAtMs, alarmId.slice(-2), JSON.stringify(windows)].join(" "),
      );
  };
  const whole = run(undefined);
  expect(whole.map((line) => line.split(" ")[0])).toContain("cleared");
  for (const killAt of [1, 59, 61, 700, WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + 60, 2 * WINDOW, 2 * WINDOW + 60]) {
    expect(run(killAt), `killed at ${killAt}`).toEqual(whole);
  }
});

test("levels are kept as long as the window is, and no longer", () => {
  const site = siteAt(MORNING);
  site.seconds(3 * WINDOW, 50);
  expect(site.journal.levelCount).toBeGreaterThan(WINDOW + MINUTE);
  expect(site.journal.levelCount).toBeLessThan(WINDOW + 5 * MINUTE);
});

test("the longest finding that a config allows fits into an urgent body", () => {
  const long = (length: number): string => "沪".repeat(length);
  const meter: MeterFacts = {
    model: long(40),
    serialNumber: long(40),
    class: 2,
    calibrator: { model: long(40), serialNumber: long(40) },
    calibration: { beforeDb: 93.81, beforeOn: "2026-11-01", afterDb: 94.41, afterOn: "2026-11-21" },
  };
  const rule = {
    point: long(60),
    background: { levelDb: 45.25, measuredOn: "2026-11-01" },
    standard: "GB3096",
    zone: "4a",
  };
  const settings = settingsOf(rule, meter);
  const site = new VirtualNight(
    {
      ...settings,
      site: {
        name: long(200),
        address: long(100),
        unit: long(100),
        latitudeDeg: 39.9123456,
        longitudeDeg: 116.4567891,
      },
      permits: [{ id: long(64), fromMs: 0, toMs: NIGHT * 2 }],
    },
    NIGHT,
  );
  for (let second = 0; second < 3 * WINDOW; second++) site.second({ levelDb: second % 2 === 0 ? 81.3 : 77.7 });
  expect(site.alarms().length).toBeGreaterThan(3);
  for (const body of site.alarms()) {
    expect(Value.Check(AlarmBody, body)).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(MAX_URGENT_BODY_BYTES);
  }
});

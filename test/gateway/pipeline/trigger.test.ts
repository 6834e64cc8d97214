import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { AlarmBody } from "../../../protocol/alarm.ts";
import { ELEVEN_AT_NIGHT, NIGHT_NOISE, SETTINGS, VirtualNight } from "./virtual-night.ts";

describe("raising", () => {
  test("LAeq of 10 s above the limit raises, with the full state", () => {
    const night = new VirtualNight();
    night.seconds(60, 50);
    night.seconds(12, 75);
    const [alarm] = night.alarms();
    expect(night.phases()).toEqual(["raised 1"]);
    expect(Value.Check(AlarmBody, alarm)).toBe(true);
    expect(alarm).toMatchObject({
      family: "noise",
      nature: "condition",
      rule: "night-noise",
      ruleKind: "trigger",
      limits: { raiseDb: 70, clearDb: 67 },
      peak: { value: 75, unit: "dB(A)" },
      position: { latitudeDeg: 39.912, longitudeDeg: 116.456 },
    });
    expect(alarm?.windows.map(({ name, n }) => [name, n])).toEqual([
      ["raise", 10],
      ["clear", 60],
    ]);
    expect(alarm?.estimated).toBeUndefined();
    expect(night.pipeline.openAlarms()).toEqual([alarm]);
  });

  test("70.0 does not raise, 70.1 does", () => {
    const at = (levelDb: number): string[] => {
      const night = new VirtualNight();
      night.seconds(120, levelDb);
      return night.phases().slice(0, 1);
    };
    expect(at(70.0)).toEqual([]);
    expect(at(70.1)).toEqual(["raised 1"]);
  });

  test("fewer than eight valid seconds of ten never raise", () => {
    const night = new VirtualNight();
    for (let second = 0; second < 300; second++) night.second(second % 10 < 7 ? { levelDb: 90 } : undefined);
    expect(night.phases()).toEqual([]);
  });

  test("invalid levels never raise, weather never keeps from raising", () => {
    const flagged = (flags: readonly ("overload" | "weather")[]): string[] => {
      const night = new VirtualNight();
      for (let second = 0; second < 20; second++) night.second({ levelDb: 90, flags });
      return night.phases();
    };
    expect(flagged(["overload"])).toEqual([]);
    expect(flagged(["weather"])).toEqual(["raised 1"]);
  });

  test("a sampled level says that it is an estimate", () => {
    const night = new VirtualNight();
    night.quantity = "LAF";
    night.seconds(15, 80);
    expect(night.alarms()[0]?.estimated).toBe(true);
  });

  test("the alarm commits before the levels that follow it, alone and with those that led to it", () => {
    const night = new VirtualNight();
    night.seconds(7, 80);
    const reading = { kind: "noise", levelDb: 80, flags: [], quantity: "LAeq1s", atMs: night.utcMs + 300 } as const;
    night.pass(300);
    const { writes } = night.pipeline.accept({ device: "noise-01", reading }, night.now());
    expect(writes[0]?.urgency).toBe("urgent");
    expect(writes[0]?.write.append?.map(({ kind }) => kind)).toEqual(["alarm"]);
    expect(writes[0]?.write.openAlarms).toHaveLength(1);
    expect(writes[0]?.write.levels?.some(({ device }) => device === "noise-01")).toBe(true);
  });
});

describe("clearing", () => {
  const raised = (): VirtualNight => {
    const night = new VirtualNight();
    night.seconds(60, 75);
    return night;
  };

  test("sixty quiet seconds clear, with the window that proves it", () => {
    const night = raised();
    night.seconds(70, 50);
    const last = night.alarms().at(-1);
    expect(last).toMatchObject({ phase: "cleared", clearReason: "quiet" });
    const clear = last?.windows.find(({ name }) => name === "clear");
    expect(clear?.laeqDb).toBeLessThan(67);
    expect(clear?.valid).toBe(60);
    expect(night.pipeline.openAlarms()).toEqual([]);
  });

  test("silence, nulls and invalid flags never clear, however long", () => {
    for (const second of [undefined, { levelDb: null }, { levelDb: 40, flags: ["fault"] as const }]) {
      const night = raised();
      for (let index = 0; index < 1800; index++) night.second(second);
      expect(night.phases().filter((phase) => phase.startsWith("cleared"))).toEqual([]);
      expect(night.pipeline.openAlarms()).toHaveLength(1);
    }
  });

  test("quiet with too many gaps does not clear: 53 of 60 are too few, 54 are enough", () => {
    const cleared = (missing: number): boolean => {
      const night = raised();
      for (let second = 0; second < 180; second++) night.second(second % 60 < missing ? undefined : { levelDb: 45 });
      return night.phases().some((phase) => phase.startsWith("cleared"));
    };
    expect(cleared(7)).toBe(false);
    expect(cleared(6)).toBe(true);
  });

  test("between the two levels nothing changes", () => {
    const night = raised();
    night.seconds(600, 68.5);
    expect(night.phases().some((phase) => phase.startsWith("cleared"))).toBe(false);
  });

  test("a short burst after quiet is not cleared in the second that raised it", () => {
    const night = new VirtualNight();
    night.seconds(60, 40);
    night.seconds(10, 71);
    night.seconds(3, 40);
    expect(night.phases()).toEqual(["raised 1"]);
  });
});

test("bursts that an average over a minute would hide are not called quiet while one lasts", () => {
  const night = new VirtualNight();
  for (let second = 0; second < 600; second++) night.second({ levelDb: second % 60 < 10 ? 71 : 40 });
  const cleared = night.alarms().filter(({ phase }) => phase === "cleared");
  expect(cleared.length).toBeGreaterThan(0);
  for (const { windows } of cleared) expect(windows[0]?.laeqDb).toBeLessThanOrEqual(70.05);
});

test("a raised alarm is updated at most every 30 s, each time with the whole state", () => {
  const night = new VirtualNight();
  night.seconds(130, 75);
  expect(night.phases()).toEqual(["raised 1", "updated 2", "updated 3", "updated 4", "updated 5"]);
  const [raise, ...updates] = night.alarms();
  for (const update of updates) {
    expect(update.alarmId).toBe(raise?.alarmId);
    expect(update.raisedAtMs).toBe(raise?.raisedAtMs);
    expect(update.evidence).toEqual(raise?.evidence);
  }
});

describe("the same key", () => {
  const twice = (pauseS: number): string[] => {
    const night = new VirtualNight();
    night.seconds(15, 75);
    night.seconds(75, 50);
    night.seconds(pauseS, 50);
    night.seconds(15, 75);
    const raises = night.alarms().filter(({ phase }) => phase === "raised");
    return raises.map(({ alarmId, rev }) => `${alarmId.slice(-2)} ${rev}`);
  };

  test("raised again within ten minutes keeps its id and goes on with rev", () => {
    expect(twice(400)).toEqual(["01 1", "01 4"]);
  });

  test("later it is another alarm", () => {
    expect(twice(700)).toEqual(["01 1", "02 1"]);
  });

  test("a kill between does not make it another alarm", () => {
    const night = new VirtualNight();
    night.seconds(15, 75);
    night.seconds(75, 50);
    night.restart(60_000);
    night.seconds(15, 75);
    const [first, ...others] = night.alarms();
    expect(new Set(others.map(({ alarmId }) => alarmId))).toEqual(new Set([first?.alarmId]));
    expect(night.alarms().map(({ rev }) => rev)).toEqual(night.alarms().map((_, index) => index + 1));
  });
});

describe("after a kill", () => {
  test("in any second, the alarm goes on: one id, no rev twice, cleared in the same second", () => {
    const story = (second: number): number => (second < 30 ? 50 : second < 90 ? 75 : 50);
    const run = (killAt: number | undefined) => {
      const night = new VirtualNight();
      for (let second = 0; second < 200; second++) {
        if (second === killAt) {
          night.flush();
          night.restart();
        }
        night.second({ levelDb: story(second) });
      }
      return night
        .alarms()
        .map(({ phase, rev, stateAtMs, alarmId }) => ({ phase, rev, stateAtMs, alarmId: alarmId.slice(-2) }));
    };
    const whole = run(undefined);
    expect(whole[0]?.phase).toBe("raised");
    expect(whole.at(-1)?.phase).toBe("cleared");
    for (let killAt = 1; killAt < 200; killAt++) expect(run(killAt), `killed at ${killAt}`).toEqual(whole);
  });

  test("a rule that the new config lacks ends its alarm by saying so", () => {
    const night = new VirtualNight();
    night.seconds(15, 75);
    night.restart(1000, { ...SETTINGS, rules: [] });
    expect(night.alarms().at(-1)).toMatchObject({ phase: "cleared", rev: 2, clearReason: "rule-removed" });
    expect(night.journal.restore().openAlarms).toEqual([]);
  });

  test("an alarm found open stays open until the meter itself is quiet again", () => {
    const night = new VirtualNight();
    night.seconds(15, 75);
    night.restart(3_600_000);
    night.seconds(300, undefined);
    expect(night.pipeline.openAlarms()).toHaveLength(1);
    night.seconds(70, 45);
    expect(night.alarms().at(-1)).toMatchObject({ phase: "cleared", clearReason: "quiet" });
  });
});

describe("clock and calendar", () => {
  const raisesAt = (utcMs: number, timeZone: string, rule = NIGHT_NOISE): boolean => {
    const night = new VirtualNight({ ...SETTINGS, timeZone, rules: [rule] }, utcMs);
    night.seconds(15, 80);
    return night.phases().length > 0;
  };

  test("armed from 22:00 to 06:00 of the site, not of the node", () => {
    const beijing = (hour: number, minute: number): number => Date.UTC(2026, 10, 21, hour - 8, minute);
    expect(raisesAt(beijing(21, 59), "Asia/Shanghai")).toBe(false);
    expect(raisesAt(beijing(22, 0), "Asia/Shanghai")).toBe(true);
    expect(raisesAt(beijing(29, 59), "Asia/Shanghai")).toBe(true);
    expect(raisesAt(beijing(30, 0), "Asia/Shanghai")).toBe(false);
    expect(raisesAt(beijing(24, 0), "Asia/Shanghai")).toBe(true);
    expect(raisesAt(beijing(14, 0), "Asia/Shanghai", { ...NIGHT_NOISE, byDay: true })).toBe(true);
  });

  test("summer time moves the night with it, on the days of the change too", () => {
    const table = [
      // Berlin, 2026-03-29: 02:00 → 03:00. 05:30 summer time is 03:30 UTC, 06:10 is 04:10 UTC.
      ["Europe/Berlin", Date.UTC(2026, 2, 29, 3, 30), true],
      ["Europe/Berlin", Date.UTC(2026, 2, 29, 4, 10), false],
      ["Europe/Berlin", Date.UTC(2026, 2, 28, 4, 30), true],
      // 2026-10-25: 03:00 → 02:00. 05:30 winter time is 04:30 UTC, 06:10 is 05:10 UTC.
      ["Europe/Berlin", Date.UTC(2026, 9, 25, 4, 30), true],
      ["Europe/Berlin", Date.UTC(2026, 9, 25, 5, 10), false],
      ["Europe/Berlin", Date.UTC(2026, 6, 1, 20, 0), true],
      ["Europe/Berlin", Date.UTC(2026, 0, 1, 20, 59), false],
      // Offsets of 45 and 30 minutes.
      ["Asia/Kathmandu", Date.UTC(2026, 0, 1, 16, 15), true],
      ["Asia/Kathmandu", Date.UTC(2026, 0, 1, 16, 14), false],
      ["Australia/Lord_Howe", Date.UTC(2026, 0, 1, 11, 0), true],
      ["Australia/Lord_Howe", Date.UTC(2026, 0, 1, 10, 59), false],
    ] as const;
    for (const [zone, utcMs, expected] of table) {
      expect(raisesAt(utcMs, zone), `${zone} ${new Date(utcMs).toISOString()}`).toBe(expected);
    }
  });

  test("noise of the evening does not raise in the first second of the night", () => {
    const night = new VirtualNight(SETTINGS, ELEVEN_AT_NIGHT - 3_600_000 - 30_000);
    night.seconds(45, 80);
    expect(night.alarms()[0]?.stateAtMs).toBeGreaterThanOrEqual(ELEVEN_AT_NIGHT - 3_600_000 + 7000);
    expect(night.phases()).toEqual(["raised 1"]);
  });

  test("when the armed hours end, the alarm ends by saying so, and that is no quiet", () => {
    const night = new VirtualNight(SETTINGS, Date.UTC(2026, 10, 21, 21, 59, 30));
    night.seconds(60, 80);
    expect(night.alarms().at(-1)).toMatchObject({ phase: "cleared", clearReason: "disarmed" });
  });

  test("with a clock in 1970 it is night, and setting the clock neither clears nor doubles the alarm", () => {
    const night = new VirtualNight(SETTINGS, 4 * 3_600_000);
    night.timeQuality = "none";
    night.seconds(15, 80);
    expect(night.phases()).toEqual(["raised 1"]);
    night.utcMs = ELEVEN_AT_NIGHT;
    night.timeQuality = "ntp";
    night.seconds(10, 80);
    expect(night.phases()).toEqual(["raised 1"]);
    night.seconds(80, 50);
    expect(night.alarms().at(-1)).toMatchObject({ phase: "cleared", clearReason: "quiet" });
    expect(new Set(night.alarms().map(({ alarmId }) => alarmId)).size).toBe(1);
  });

  test("a restart with the clock lost keeps the open alarm and its id, and old levels are not taken for new ones", () => {
    const night = new VirtualNight();
    night.seconds(15, 80);
    night.seconds(55, 50);
    night.flush();
    night.utcMs = 1000;
    night.timeQuality = "none";
    night.restart();
    night.seconds(10, 50);
    expect(night.pipeline.openAlarms()).toHaveLength(1);
    night.seconds(80, 50);
    expect(night.alarms().at(-1)).toMatchObject({ phase: "cleared", clearReason: "quiet" });
    expect(new Set(night.alarms().map(({ alarmId }) => alarmId)).size).toBe(1);
  });

  test("a clock that steps back by an hour loses no minute and raises nothing", () => {
    const night = new VirtualNight();
    night.seconds(90, 50);
    night.utcMs -= 3_600_000;
    night.seconds(120, 50);
    night.flush();
    night.restart();
    night.seconds(60, 50);
    expect(night.phases()).toEqual([]);
    const seconds = night.journal.of("noise").reduce((sum, { body }) => sum + body.statistics.valid, 0);
    expect(seconds).toBeGreaterThanOrEqual(180);
    const minutes = night.journal.of("noise").map(({ body }) => body.series.fromMs);
    expect(new Set(minutes).size).toBe(minutes.length);
  });
});

describe("permits", () => {
  const permit = { id: "2026-CY-0117", fromMs: ELEVEN_AT_NIGHT, toMs: ELEVEN_AT_NIGHT + 3_600_000 };
  const permitOf = (
    permits: readonly (typeof permit & { rules?: string[] })[],
    timeQuality: "ntp" | "none" = "ntp",
  ) => {
    const night = new VirtualNight({ ...SETTINGS, permits });
    night.timeQuality = timeQuality;
    night.seconds(15, 80);
    return night.alarms()[0]?.permit;
  };

  test("an alarm within a permit is raised and says which", () => {
    expect(permitOf([permit])).toBe("2026-CY-0117");
    expect(permitOf([{ ...permit, rules: ["night-noise"] }])).toBe("2026-CY-0117");
  });

  test("another rule's permit, an expired one, or one that an untrusted clock cannot judge do not count", () => {
    expect(permitOf([{ ...permit, rules: ["other"] }])).toBeUndefined();
    expect(permitOf([{ ...permit, toMs: ELEVEN_AT_NIGHT + 1000 }])).toBeUndefined();
    expect(permitOf([permit], "none")).toBeUndefined();
  });
});

import { expect, test } from "vitest";
import { RULE_SETS, ruleSetAt } from "../../../../gateway/contracts/rule-set.ts";
import { checkCalibration } from "../../../../gateway/pipeline/acoustics/calibration.ts";

const zones = (id: string) => RULE_SETS.find((set) => set.id === id)?.zones;

test("limits are those of the standards", () => {
  expect(zones("GB12523-2011")).toEqual({ boundary: { dayDb: 70, nightDb: 55 } });
  expect(zones("GB12523-2025")).toEqual({ boundary: { dayDb: 70, nightDb: 55 } });
  const byZone = Object.entries(zones("GB3096-2008") ?? {}).map(
    ([zone, { dayDb, nightDb }]) => `${zone} ${dayDb}/${nightDb}`,
  );
  expect(byZone.sort()).toEqual(["0 50/40", "1 55/45", "2 60/50", "3 65/55", "4a 70/55", "4b 70/60"]);
});

test("the newest edition that is valid on the day is taken", () => {
  expect(ruleSetAt("GB12523", "2012-07-01")?.id).toBe("GB12523-2011");
  expect(ruleSetAt("GB12523", "2025-12-31")?.id).toBe("GB12523-2011");
  expect(ruleSetAt("GB12523", "2026-01-01")?.id).toBe("GB12523-2025");
  expect(ruleSetAt("GB3096", "2026-11-22")?.id).toBe("GB3096-2008");
});

test("on an unknown day it is the newest of all, before every edition the oldest", () => {
  expect(ruleSetAt("GB12523", undefined)?.id).toBe("GB12523-2025");
  expect(ruleSetAt("GB12523", "1970-01-01")?.id).toBe("GB12523-2011");
  expect(ruleSetAt("GB1", "2026-01-01")).toBeUndefined();
});

test("each rule-set names its source and what is not verified, ids are unique, and editions do not overlap", () => {
  expect(new Set(RULE_SETS.map(({ id }) => id)).size).toBe(RULE_SETS.length);
  for (const { source, uncertain, standard, id } of RULE_SETS) {
    expect(source.length).toBeGreaterThan(10);
    expect(uncertain.length).toBeGreaterThan(0);
    expect(id.startsWith(standard)).toBe(true);
  }
  for (const editions of Map.groupBy(RULE_SETS, ({ standard }) => standard).values()) {
    const ordered = editions.toSorted((a, b) => (a.validFrom < b.validFrom ? -1 : 1));
    for (const [index, { validBefore }] of ordered.entries()) expect(validBefore).toBe(ordered[index + 1]?.validFrom);
  }
});

test("a drift of more than 0.5 dB between the calibrations makes a result invalid; one that is not known does not", () => {
  expect(checkCalibration({ beforeDb: 93.8, afterDb: 94.3 }, 0.5)).toEqual({ driftDb: 0.5, isValid: true });
  expect(checkCalibration({ beforeDb: 94.0, afterDb: 93.4 }, 0.5)).toEqual({ driftDb: -0.6, isValid: false });
  expect(checkCalibration({ beforeDb: 94.0 }, 0.5)).toEqual({ driftDb: undefined, isValid: true });
});

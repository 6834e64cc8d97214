import fc from "fast-check";
import { expect, test } from "vitest";
import type { CountedCase } from "../../../cloud-bridge/analysis/counted-cases.ts";
import { meterMoves } from "../../../cloud-bridge/analysis/meter-moves.ts";
import { outcomesByFinding } from "../../../cloud-bridge/analysis/outcomes.ts";
import { periodBefore } from "../../../cloud-bridge/analysis/period.ts";
import { percentile, responseFigures } from "../../../cloud-bridge/analysis/response.ts";
import { threeHighs } from "../../../cloud-bridge/analysis/three-highs.ts";
import { DEFAULT_WARNING_LIMITS, warnings } from "../../../cloud-bridge/analysis/warnings.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 2026-11-02, a Monday, 00:00 in Shanghai. */
const T0 = Date.UTC(2026, 10, 1, 16);
const WEEK = { fromMs: T0, toMs: T0 + 7 * DAY_MS };

let count = 0;
function oneCase(facts: Partial<CountedCase> = {}): CountedCase {
  count += 1;
  const plain = { family: "noise", state: "closed", foundBy: "meter", reopenCount: 0, supervisionCount: 0 } as const;
  return { id: `c-${count}`, openedAtMs: T0, ...plain, ...facts };
}

test("times and rates count what happened, and say null where nothing did", () => {
  const options = { nowMs: T0 + DAY_MS, satisfiedFrom: 4 };
  const inTime = oneCase({
    ...{ assignedAtMs: T0 + 1000, takenUpAtMs: T0 + 5000, onSceneAtMs: T0 + 9000, closedAtMs: T0 + 20_000 },
    ...{ dueArriveAtMs: T0 + 10_000, dueTotalAtMs: T0 + 30_000 },
  });
  const late = oneCase({ state: "closed-unverified", takenUpAtMs: T0 + 11_000, dueArriveAtMs: T0 + 10_000 });
  const never = oneCase({ state: "open", dueArriveAtMs: T0 + 10_000, dueTotalAtMs: T0 + 2 * DAY_MS });
  const notYet = oneCase({ state: "open", dueArriveAtMs: T0 + 2 * DAY_MS });
  const heard = [
    { caseId: inTime.id, isResolved: true, satisfaction: 4 },
    { caseId: late.id, isResolved: false, satisfaction: 3 },
    { caseId: never.id, isResolved: true },
    { caseId: "of another period", isResolved: false, satisfaction: 1 },
  ];
  const figures = responseFigures([inTime, late, never, notYet], heard, options);
  expect(figures).toMatchObject({
    cases: 4,
    openNow: 2,
    openedToAssigned: { n: 1, p50Ms: 1000, p90Ms: 1000, longestMs: 1000 },
    responded: { n: 1, of: 3, share: 1 / 3 },
    endedInTime: { n: 1, of: 1, share: 1 },
    verified: { n: 1, of: 2, share: 0.5 },
    solved: { n: 2, of: 3 },
    satisfied: { n: 1, of: 2, share: 0.5 },
  });
  const nothing = responseFigures([], heard, options);
  expect(nothing).toMatchObject({ cases: 0, solved: { n: 0, of: 0, share: null }, openedToClosed: { p50Ms: null } });
});

test("a percentile is a value that was measured, and half and nine tenths do not exceed it", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 100 }), (values, p) => {
      const sorted = values.toSorted((a, b) => a - b);
      const found = percentile(sorted, p) ?? -1;
      expect(sorted).toContain(found);
      expect(sorted.filter((value) => value <= found).length).toBeGreaterThanOrEqual((p / 100) * sorted.length);
    }),
  );
  expect(percentile([], 50)).toBeNull();
});

test("outcomes stand by how the case was found", () => {
  const cases = [
    oneCase({ penaltyNumber: "P-1", fineCny: 500, ground: "construction-noise" }),
    oneCase({ state: "false-alarm" }),
    oneCase({ foundBy: "video-round", state: "closed-unverified", penaltyNumber: "P-2", fineCny: 9000 }),
  ];
  expect(outcomesByFinding(cases)).toMatchObject([
    { foundBy: "meter", cases: 2, verified: 1, falseAlarms: 1, penalties: 1, finesCny: 500 },
    { foundBy: "video-round", cases: 1, unverified: 1, penalties: 1, finesCny: 9000 },
  ]);
});

const HERE = { latitudeDeg: 39.912, longitudeDeg: 116.456 };
const THERE = { latitudeDeg: 39.95, longitudeDeg: 116.31 };

function highs(cases: readonly CountedCase[], observedHours: number) {
  return threeHighs({
    period: WEEK,
    before: periodBefore(WEEK),
    cases,
    cellDeg: 0.005,
    timeZone: "Asia/Shanghai",
    leastHours: 10,
    observedPlaces: [{ place: HERE, hours: observedHours }],
    observedHours: [{ hourMs: T0 + 23 * HOUR_MS, hours: observedHours }],
  });
}

test("the three highs are counts in place, local time and kind, and a rate only where a meter watched long enough", () => {
  const night = T0 + 23 * HOUR_MS + 20 * 60_000;
  const cases = [
    oneCase({ position: HERE, openedAtMs: night }),
    oneCase({ position: HERE, openedAtMs: night }),
    oneCase({ position: HERE, openedAtMs: night, foundBy: "citizen", category: "noise" }),
    oneCase({ position: THERE, openedAtMs: night - 7 * DAY_MS, category: "noise" }),
    oneCase({ openedAtMs: night }),
  ];
  const found = highs(cases, 50);
  expect(found).toMatchObject({ cases: 4, casesBefore: 1, withoutPlace: 1 });
  expect(found.places).toMatchObject([
    { cases: 3, casesBefore: 0, byMachine: 2, observedHours: 50, per100Hours: 4 },
    { cases: 0, casesBefore: 1, observedHours: 0, per100Hours: null },
  ]);
  const [{ latitudeDeg = 0, longitudeDeg = 0 } = {}] = found.places;
  expect(Math.abs(latitudeDeg - HERE.latitudeDeg)).toBeLessThanOrEqual(0.0025);
  expect(Math.abs(longitudeDeg - HERE.longitudeDeg)).toBeLessThanOrEqual(0.0025);
  expect(found.times).toMatchObject([{ weekday: 1, hour: 23, cases: 4, casesBefore: 1, byMachine: 3, per100Hours: 6 }]);
  expect(found.kinds).toEqual([{ kind: "noise", cases: 4, casesBefore: 1 }]);
  expect(highs(cases, 9).places[0]?.per100Hours).toBeNull();
});

test("a warning's colour is by its own past", () => {
  const weeks = (perWeek: readonly number[], siteId: string) =>
    perWeek.flatMap((n, week) =>
      Array.from({ length: n }, () => oneCase({ siteId, openedAtMs: T0 + 1000 - week * 7 * DAY_MS })),
    );
  const cases = [
    ...weeks([10, 9, 11, 10, 10], "always-loud"),
    ...weeks([9, 1, 0, 1, 0], "suddenly-loud"),
    ...weeks([2, 0, 0, 0, 0], "too-few"),
    ...weeks([0, 5, 5, 5, 5], "now-quiet"),
  ];
  const found = warnings(cases, ({ siteId }) => siteId, { period: WEEK, periods: 4 });
  expect(found.map(({ key, colour }) => [key, colour])).toEqual([
    ["suddenly-loud", "red"],
    ["too-few", undefined],
    ["always-loud", undefined],
  ]);
  expect(found[0]).toMatchObject({ cases: 9, usual: 0.5 });
  const least = { ...DEFAULT_WARNING_LIMITS, leastCases: 2 };
  expect(warnings(cases, ({ siteId }) => siteId, { period: WEEK, periods: 4 }, least)[1]?.colour).toBe("red");
});

test("meters should go where people call and none listens, from where little was heard", () => {
  const far = { latitudeDeg: 39.99, longitudeDeg: 116.3 };
  const moves = meterMoves({
    cases: [
      oneCase({ siteId: "busy", position: HERE }),
      oneCase({ siteId: "busy", position: HERE }),
      oneCase({ foundBy: "citizen", position: { latitudeDeg: 39.9125, longitudeDeg: 116.4565 } }),
      oneCase({ foundBy: "citizen", position: far }),
      oneCase({ foundBy: "patrol", position: far }),
      oneCase({ foundBy: "citizen" }),
    ],
    meters: [
      { node: "n-1", device: "m", siteId: "busy", place: HERE, observedHours: 100 },
      { node: "n-2", device: "m", siteId: "idle", place: THERE, observedHours: 100 },
      { node: "n-3", device: "m", siteId: "new", place: THERE, observedHours: 2 },
      { node: "car", device: "m", observedHours: 300 },
    ],
    cellDeg: 0.005,
    reachM: 300,
    leastHours: 24,
  });
  expect(moves.to).toMatchObject([{ cases: 2, latitudeDeg: 39.99, longitudeDeg: 116.3 }]);
  expect(moves.to[0]?.nearestMeterM).toBeGreaterThan(4000);
  expect(moves.from.map(({ node, per100Hours }) => [node, per100Hours])).toEqual([
    ["n-2", 0],
    ["n-1", 2],
  ]);
});

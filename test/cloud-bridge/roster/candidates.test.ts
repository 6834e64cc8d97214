import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CandidateSettings,
  type CrewSituation,
  DEFAULT_CANDIDATES,
  rankCandidates,
} from "../../../cloud-bridge/roster/candidates.ts";
import { putCrew } from "../../../cloud-bridge/roster/crews.ts";
import { addDuty, listDuties } from "../../../cloud-bridge/roster/duties.ts";
import { newestPositions, notePosition } from "../../../cloud-bridge/roster/positions.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const NOW = 1_795_000_000_000;
const SITE = { latitudeDeg: 39.912, longitudeDeg: 116.456 };
const crew = (crewId: string, facts: Partial<CrewSituation> = {}): CrewSituation => ({
  crewId,
  crewName: crewId,
  onDuty: true,
  fix: { ...SITE, atMs: NOW - 12_000 },
  ...facts,
});

describe("a crew to send", () => {
  test("is the one that arrives first, and each verdict says why", () => {
    const far = { latitudeDeg: 39.95, longitudeDeg: 116.456, atMs: NOW };
    const ranked = rankCandidates(
      [
        crew("far", { fix: far }),
        crew("old", { fix: { ...SITE, atMs: NOW - 121_000 } }),
        crew("near"),
        crew("busy", { busyWith: 7 }),
        crew("resting", { onDuty: false }),
        { crewId: "lost", crewName: "lost", onDuty: true },
      ],
      { place: SITE },
      NOW,
    );
    expect(ranked.map(({ crewId, eligible }) => `${crewId} ${eligible}`)).toEqual([
      "near true",
      "far true",
      "busy false",
      "old false",
      "resting false",
      "lost false",
    ]);
    expect(ranked[0]?.reasons).toEqual(["on duty", "free", "fix 12 s old", "0 m: straight line × 1.4"]);
    expect(ranked[1]).toMatchObject({ distanceM: 5916, etaMs: 712_771 });
    expect(ranked.flatMap(({ reasons }) => reasons)).toEqual(
      expect.arrayContaining(["busy with case 7", "no fresh fix: the newest is 121 s old", "off duty", "no position"]),
    );
  });

  test("is of a unit that has a part in the case, unless mutual aid is allowed or somebody is in need", () => {
    const crews = [
      crew("ours", { fix: { latitudeDeg: 39.95, longitudeDeg: 116.456, atMs: NOW } }),
      crew("theirs", { foreignUnit: "East street" }),
    ];
    const verdicts = (settings: Partial<CandidateSettings>, isHelp = false) =>
      rankCandidates(crews, { place: SITE, isHelp }, NOW, { ...DEFAULT_CANDIDATES, ...settings }).map(
        ({ crewId, eligible, reasons }) =>
          `${crewId} ${eligible} ${reasons.find((one) => one.includes("East street")) ?? ""}`,
      );
    expect(verdicts({})).toEqual(["ours true ", "theirs false of another unit: East street"]);
    expect(verdicts({ mutualAid: true })).toEqual(["theirs true mutual aid of East street", "ours true "]);
    expect(verdicts({}, true)[0]).toBe("theirs true mutual aid of East street");
  });

  test("that may only secure evidence goes when no other can, or never, as is set", () => {
    const wang = { name: "Wang", authority: ["street-*"] };
    const li = { name: "Li", authority: ["noise"] };
    const far = { latitudeDeg: 39.95, longitudeDeg: 116.456, atMs: NOW };
    const crews = [crew("near", { people: [wang] }), crew("far", { people: [wang, li], fix: far })];
    const order = (authority: CandidateSettings["authority"], of = crews, isHelp = false) =>
      rankCandidates(of, { place: SITE, category: "noise", isHelp }, NOW, { ...DEFAULT_CANDIDATES, authority }).map(
        ({ crewId, eligible }) => `${crewId} ${eligible}`,
      );
    expect(order("prefer")).toEqual(["far true", "near true"]);
    expect(order("prefer", crews.slice(0, 1))).toEqual(["near true"]);
    expect(order("ignore")).toEqual(["near true", "far true"]);
    expect(order("require")).toEqual(["far true", "near false"]);
    expect(order("require", crews, true)).toEqual(["near true", "far true"]);
  });

  test("can still be named for a case without a position", () => {
    const [only] = rankCandidates([crew("a")], { place: undefined }, NOW);
    expect(only?.eligible).toBe(true);
    expect(only?.reasons).toContain("distance unknown: the case has no position");
  });

  test("is never off duty, busy, barred or out of sight, and stands before all who are", () => {
    const situation = fc.record({
      crewId: fc.uuid(),
      crewName: fc.constant("c"),
      onDuty: fc.boolean(),
      busyWith: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
      barred: fc.option(fc.constant("declined this case"), { nil: undefined }),
      ageMs: fc.option(fc.integer({ min: -5000, max: 300_000 }), { nil: undefined }),
      latitudeDeg: fc.double({ min: -80, max: 80, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(situation, { maxLength: 12 }), (drawn) => {
        const crews = drawn.map(
          ({ busyWith, barred, ageMs, latitudeDeg, ...rest }): CrewSituation => ({
            ...rest,
            ...(busyWith === undefined ? {} : { busyWith }),
            ...(barred === undefined ? {} : { barred }),
            ...(ageMs === undefined ? {} : { fix: { latitudeDeg, longitudeDeg: 116, atMs: NOW - ageMs } }),
          }),
        );
        const ranked = rankCandidates(crews, { place: SITE }, NOW);
        expect(ranked).toHaveLength(crews.length);
        const verdicts = ranked.map(({ eligible }) => eligible);
        expect(verdicts).toEqual(verdicts.toSorted((a, b) => Number(b) - Number(a)));
        for (const { crewId, eligible } of ranked) {
          const found = crews.find((one) => one.crewId === crewId);
          const isSeen = found?.fix !== undefined && NOW - found.fix.atMs <= 120_000;
          const isFree = found?.onDuty === true && found.busyWith === undefined && found.barred === undefined;
          expect(eligible).toBe(isSeen && isFree);
        }
      }),
    );
  });
});

test("a backlog of old fixes moves nobody back, and a clock ahead makes no fix fresher than its arrival", async () => {
  const { db } = await temporaryStore();
  await db.transaction().execute(async (trx) => {
    expect(await notePosition(trx, "a", { ...SITE, atMs: NOW + 3600_000, source: "vehicle" }, NOW)).toBe(true);
    expect(await notePosition(trx, "a", { ...SITE, latitudeDeg: 1, atMs: NOW - 60_000, source: "vehicle" }, NOW)).toBe(
      false,
    );
    expect((await newestPositions(trx)).get("a")).toEqual({ ...SITE, atMs: NOW, source: "vehicle" });
  });
});

test("a roster refuses a crew without its unit, a duty without its crew, and a duty that ends before it begins", async () => {
  const { db } = await temporaryStore();
  await expect(putCrew(db, { id: "a", name: "A", unitId: "street" })).rejects.toMatchObject({ code: "UNIT_UNKNOWN" });
  await putUnit(db, { id: "street", name: "Street", level: "street" });
  await putCrew(db, { id: "a", name: "A", unitId: "street" });
  await expect(addDuty(db, { crewId: "b", fromMs: 1, toMs: 2 })).rejects.toMatchObject({ code: "CREW_UNKNOWN" });
  await expect(addDuty(db, { crewId: "a", fromMs: 2, toMs: 2 })).rejects.toMatchObject({ code: "DUTY_EMPTY" });
  const duty = await addDuty(db, { crewId: "a", fromMs: 10, toMs: 20 });
  expect(await listDuties(db, { fromMs: 0, toMs: 15 })).toEqual([duty]);
  expect(await listDuties(db, { fromMs: 20, toMs: 30 })).toEqual([]);
});

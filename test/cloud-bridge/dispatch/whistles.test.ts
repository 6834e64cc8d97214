import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { CaseDetail } from "../../../cloud-bridge/api/schema/desk.ts";
import { WhistleView } from "../../../cloud-bridge/api/schema/whistles.ts";
import { keepCatalogue } from "../../../cloud-bridge/cases/catalogue-rows.ts";
import { DEFAULT_CATALOGUE } from "../../../cloud-bridge/cases/default-catalogue.ts";
import { setTimer } from "../../../cloud-bridge/cases/timers.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { type DeskRig, DISPATCHER, newKey, SUPERVISOR, T0 } from "../../fakes/desk-rig.ts";
import { CENTRE, CITY, cityRig, of, POLICE, STREET, WATER } from "../../fakes/whistle-city.ts";

const MINUTE_MS = 60_000;
const approve = { act: "review", isApproved: true, opinion: "needed" } as const;
const kindsOf = async (rig: { detail: () => ReturnType<DeskRig["theCase"]> }) =>
  (await rig.detail()).timeline.map(({ kind }) => kind).filter((kind) => kind.startsWith("whistle"));

describe("a whistle", () => {
  test("goes from the street over the district to its departments, and its result to the source", async () => {
    const rig = await cityRig();
    const blown = await rig.blow();
    expect(blown).toMatchObject({ fileNumber: "2026-000001", state: "filed", kind: "emergency", leadUnitId: "water" });
    expect(blown.legs.map(({ unitId, isLead, state }) => [unitId, isLead, state])).toEqual([
      ["water", true, "waiting"],
      ["police", false, "waiting"],
    ]);
    rig.clock.pass(5 * MINUTE_MS);
    const started = await rig.act(blown.id, CENTRE, approve);
    const dueMs = T0 + 35 * MINUTE_MS;
    expect(started).toMatchObject({ state: "started", reviewedBy: CENTRE.name, opinion: "needed" });
    expect(started.legs.map(({ state, dueSceneAtMs }) => [state, dueSceneAtMs])).toEqual([
      ["called", dueMs],
      ["called", dueMs],
    ]);
    const [water = "", police = ""] = started.legs.map(({ id }) => id);
    await rig.leg(water, WATER, { act: "receive" });
    await rig.leg(water, WATER, { act: "on-scene" });
    await expect(rig.leg(police, POLICE, { act: "handled", result: "x" })).rejects.toMatchObject({
      code: "WHISTLE_MOVE",
    });
    rig.clock.pass(31 * MINUTE_MS);
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    const late = await rig.detail();
    expect(late.case.supervisionCount, "one of two is late, once").toBe(1);
    expect(late.whistles[0]?.legs.map(({ isSceneOverdue }) => isSceneOverdue)).toEqual([false, true]);
    await rig.leg(police, POLICE, { act: "on-scene" });
    await rig.leg(police, POLICE, { act: "handled", result: "Road closed" });
    const handled = await rig.leg(water, WATER, { act: "handled", result: "Main shut" });
    expect(handled.state).toBe("handled");
    await rig.leg(water, STREET, { act: "rate", of: "unit", rating: 5 });
    await rig.leg(water, WATER, { act: "rate", of: "caller", rating: 4, text: "clear words" });
    await expect(rig.leg(water, STREET, { act: "rate", of: "unit", rating: 1 })).rejects.toMatchObject({
      code: "WHISTLE_RATED",
    });
    const archived = await rig.act(blown.id, WATER, { act: "archive" });
    expect(Value.Errors(WhistleView, structuredClone(archived))).toEqual([]);
    expect(archived.legs[0]).toMatchObject({ ratingOfUnit: { rating: 5 }, ratingOfCaller: { rating: 4 } });
    expect(await kindsOf(rig)).toEqual([
      ...["whistle-blown", "whistle-reviewed", "whistle-started", "whistle-leg-received", "whistle-leg-on-scene"],
      ...["whistle-overdue", "whistle-leg-on-scene", "whistle-leg-handled", "whistle-leg-handled", "whistle-handled"],
      ...["whistle-rated", "whistle-rated", "whistle-archived"],
    ]);
    await rig.desk.actOnCase(SUPERVISOR, rig.caseId, { act: "close-unverified", cause: "seen" }, newKey());
    const detail = await rig.detail();
    expect(detail.reports[0]?.result?.parts?.map(({ unitName, result }) => [unitName, result])).toEqual([
      ["The police", "Road closed"],
      ["The water", "Main shut"],
    ]);
    expect(brokenAt(rig.caseId, detail.timeline)).toBeUndefined();
    expect(Value.Errors(CaseDetail, structuredClone(detail))).toEqual([]);
  });

  test("gives a department working days for its part where the tables say so", async () => {
    const rig = await cityRig({ settings: { reviewWhistles: false } });
    const whistleKinds = DEFAULT_CATALOGUE.whistleKinds.map((kind) => ({ ...kind, handleWorkingDays: 2 }));
    const own = { ...DEFAULT_CATALOGUE, version: "days", whistleKinds, inForceFrom: "2026-01-01T00:00:00Z" };
    await keepCatalogue(rig.db, own, "admin", T0);
    const { legs } = await rig.blow();
    // T0 is a Sunday there: Monday is the first day, Tuesday the second.
    const due = { dueSceneAtMs: T0 + 30 * MINUTE_MS, dueHandleAtMs: Date.parse("2026-11-24T18:00+08:00") };
    expect(legs.map(({ dueSceneAtMs, dueHandleAtMs }) => ({ dueSceneAtMs, dueHandleAtMs }))).toEqual([due, due]);
  });

  test("whose timer is due although its department is there or done already is no word against it", async () => {
    const rig = await cityRig({ settings: { reviewWhistles: false } });
    const { legs } = await rig.blow({ unitIds: ["water"] });
    const [water = ""] = legs.map(({ id }) => id);
    const due = async (kind: "whistle-scene" | "whistle-handle") => {
      await rig.desk.change((change) => setTimer(change.trx, kind, water, change.nowMs, change.nowMs));
      await rig.desk.tick();
      const { case: view, timeline } = await rig.detail();
      return [view.supervisionCount, timeline.filter(({ kind: said }) => said === "whistle-overdue").length];
    };
    await rig.leg(water, WATER, { act: "on-scene" });
    expect(await due("whistle-scene")).toEqual([0, 0]);
    await rig.leg(water, WATER, { act: "handled", result: "Main shut" });
    expect(await due("whistle-handle")).toEqual([0, 0]);
    expect(await due("whistle-scene")).toEqual([0, 0]);
  });

  test("is blown, reviewed and answered by those whose it is, and by nobody else", async () => {
    const rig = await cityRig();
    const refused = async (act: Promise<unknown>, code: string) => expect(act).rejects.toMatchObject({ code });
    await refused(rig.blow({ fromUnitId: "police" }, DISPATCHER), "WHISTLE_UNITS");
    await refused(rig.blow({}, of("jianwai.desk", "jianwai")), "WHISTLE_FOREIGN");
    await refused(rig.blow({ leadUnitId: "jianwai" }), "WHISTLE_UNITS");
    await refused(rig.blow({ unitIds: ["street"], leadUnitId: "street" }), "WHISTLE_UNITS");
    await refused(rig.blow({ kind: "no-such" }), "WHISTLE_KIND_UNKNOWN");
    await refused(rig.blow({ unitIds: ["nobody"], leadUnitId: "nobody" }), "UNIT_UNKNOWN");
    const { id, legs } = await rig.blow({}, DISPATCHER);
    const [water] = legs;
    await refused(rig.leg(water?.id ?? "", WATER, { act: "receive" }), "WHISTLE_MOVE");
    await refused(rig.act(id, DISPATCHER, approve), "WHISTLE_REVIEW");
    await refused(rig.act(id, POLICE, approve), "WHISTLE_REVIEW");
    await refused(rig.act(id, of("dongcheng.grid", "dongcheng"), approve), "WHISTLE_REVIEW");
    await rig.act(id, CENTRE, approve);
    await refused(rig.leg(water?.id ?? "", POLICE, { act: "receive" }), "WHISTLE_FOREIGN");
    await refused(rig.act(id, CENTRE, approve), "WHISTLE_MOVE");
    const no = await rig.blow();
    const rejected = await rig.act(no.id, CENTRE, { act: "review", isApproved: false, opinion: "one is out already" });
    expect(rejected).toMatchObject({ state: "rejected", fileNumber: "2026-000002" });
  });

  test("for help across streets or districts says so, and across districts the city reviews", async () => {
    const rig = await cityRig();
    const near = await rig.blow({ unitIds: ["jianwai"], leadUnitId: "jianwai" });
    expect(near.aid).toBe("street");
    await rig.act(near.id, CENTRE, approve);
    await expect(rig.act(near.id, STREET, { act: "call", unitId: "dongcheng-police" })).rejects.toMatchObject({
      code: "WHISTLE_UNITS",
    });
    const far = await rig.blow({ unitIds: ["dongcheng-police"], leadUnitId: "dongcheng-police" });
    expect(far.aid).toBe("district");
    await expect(rig.act(far.id, CENTRE, approve)).rejects.toMatchObject({ code: "WHISTLE_REVIEW" });
    expect((await rig.act(far.id, CITY, approve)).state).toBe("started");
  });

  test("that is nobody's duty comes back, one more department is called, and another one leads", async () => {
    const rig = await cityRig({ settings: { reviewWhistles: false } });
    const { id, state, legs } = await rig.blow({ unitIds: ["water"] });
    expect(state).toBe("started");
    const called = await rig.act(id, STREET, { act: "call", unitId: "police" });
    expect(called.legs.map((leg) => leg.state)).toEqual(["called", "called"]);
    expect((await rig.act(id, STREET, { act: "lead", unitId: "police" })).leadUnitId).toBe("police");
    await rig.leg(legs[0]?.id ?? "", WATER, { act: "return", cause: "a private pipe" });
    const police = called.legs.find(({ unitId }) => unitId === "police")?.id ?? "";
    const over = await rig.leg(police, POLICE, { act: "return", cause: "no traffic there" });
    expect(over).toMatchObject({ state: "returned" });
  });

  test("keeps its case open, is blown once for each key, and ends with a case that was none", async () => {
    const rig = await cityRig();
    const key = newKey();
    const one = await rig.desk.casework.blowWhistle(STREET, rig.whistle(), key);
    expect(await rig.desk.casework.blowWhistle(STREET, rig.whistle(), key)).toEqual(one);
    await rig.act(one.id, CENTRE, approve);
    const close = { act: "close-event", cause: "done", evidence: ["e"] } as const;
    await expect(rig.desk.actOnCase(SUPERVISOR, rig.caseId, close, newKey())).rejects.toMatchObject({
      code: "CASE_HAS_PARTS",
    });
    await rig.desk.actOnCase(SUPERVISOR, rig.caseId, { act: "false-alarm", cause: "a drill" }, newKey());
    const [over] = (await rig.detail()).whistles;
    expect(over).toMatchObject({ state: "withdrawn" });
    rig.clock.pass(40 * MINUTE_MS);
    await rig.makeDesk().tick();
    expect((await rig.detail()).case.supervisionCount).toBe(0);
    expect((await rig.desk.casework.whistleList({ limit: 5, unitId: "police" })).items.map(({ id }) => id)).toEqual([
      one.id,
    ]);
    expect((await rig.desk.casework.whistleList({ limit: 5, unitId: "jianwai" })).items).toEqual([]);
  });
});

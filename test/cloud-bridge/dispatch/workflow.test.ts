import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { CaseDetail } from "../../../cloud-bridge/api/schema/desk.ts";
import type { CaseActRequest } from "../../../cloud-bridge/dispatch/case-acts.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, CREW_B, DISPATCHER, deskRig, newKey, SITE, SUPERVISOR, T0 } from "../../fakes/desk-rig.ts";

const MINUTE_MS = 60_000;
const PROPOSE = { settings: { dispatch: { policy: "propose", afterSeconds: 0 } } } as const;
const FAR = { latitudeDeg: 39.5, longitudeDeg: 116 };
type Press = "acknowledge" | "decline" | "en-route" | "on-scene" | "resolved";

async function rigWith(options: Parameters<typeof deskRig>[0] = {}) {
  const rig = await deskRig(options);
  const act = (id: string, request: CaseActRequest, actor = DISPATCHER) =>
    rig.desk.actOnCase(actor, id, request, newKey());
  return {
    ...rig,
    act,
    press: async (actor: typeof CREW_A, leg: string, ...acts: Press[]) => {
      for (const one of acts) {
        await rig.desk.actOnAssignment(actor, leg, { act: one, deviceTimeMs: rig.clock.nowMs() }, newKey());
      }
    },
    detail: (id: string) => rig.desk.views.caseDetail(id),
    /** Two noise cases too far apart to be one. */
    async twoCases(): Promise<readonly [string, string]> {
      await rig.receive(noiseRevision({ nowMs: T0 }));
      await rig.db.insertInto("nodes").values({ id: "site-050", created_at_ms: T0 }).execute();
      await rig.receive(noiseRevision({ nowMs: T0, node: "site-050", position: FAR }));
      await rig.desk.wake();
      const { items } = await rig.desk.views.caseList({ limit: 5 });
      const [two = "", one = ""] = items.map(({ id }) => id);
      return [one, two];
    },
  };
}
type Rig = Awaited<ReturnType<typeof rigWith>>;
const legOf = async (rig: Rig, id: string, crewId: string) =>
  (await rig.detail(id)).assignments.find((leg) => leg.crewId === crewId && leg.state !== "proposed")?.id ?? "";
const stall = { source: "patrol", channel: "patrol", title: "Stall", category: "street-stall" } as const;

describe("cases", () => {
  test("that are one are merged with alarms, crew and word on both timelines, and part again", async () => {
    const rig = await rigWith(PROPOSE);
    const [one, two] = await rig.twoCases();
    await rig.act(two, { act: "assign", crewId: "crew-a" });
    await rig.act(two, { act: "merge", into: one, cause: "the same pump" });
    const [kept, gone] = [await rig.detail(one), await rig.detail(two)];
    expect(gone.case).toMatchObject({ state: "merged", mergedInto: one });
    expect(gone.alarms).toEqual([]);
    expect(kept.case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-a" } });
    expect(kept.alarms.map(({ node }) => node).sort()).toEqual(["site-042", "site-050"]);
    expect(gone.timeline.at(-1)).toMatchObject({ kind: "merge", actor: DISPATCHER.name, detail: { into: one } });
    expect(kept.timeline.map(({ kind }) => kind)).toEqual(["opened", "merged-in", "assigned"]);
    const alarmId = kept.alarms.find(({ node }) => node === "site-050")?.alarmId ?? "";
    const loud = noiseRevision({ nowMs: T0 + 1000, node: "site-050", position: FAR, alarmId, rev: 2, laeqDb: 91 });
    await rig.receive({ ...loud, body: { ...loud.body, phase: "updated" } });
    await rig.desk.wake();
    expect((await rig.detail(one)).case.levelDb).toBe(91);
    await rig.act(two, { act: "reopen", cause: "two pumps after all" });
    const back = await rig.detail(two);
    expect(back.alarms.map(({ node }) => node)).toEqual(["site-050"]);
    expect((await rig.detail(one)).timeline.at(-1)).toMatchObject({ kind: "merged-out", detail: { caseId: two } });
    for (const { case: view, timeline } of [back, await rig.detail(one)]) {
      expect(brokenAt(view.id, timeline)).toBeUndefined();
    }
    await expect(rig.act(one, { act: "merge", into: one, cause: "x" })).rejects.toMatchObject({ code: "CASE_MERGE" });
  });

  test("have parts of their own, before which neither sensors nor people close them", async () => {
    const rig = await rigWith(PROPOSE);
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { id } = (await rig.theCase()).case;
    const part = { act: "open-child", title: "Dust on the road", cause: "seen there", category: "spillage" } as const;
    const parent = await rig.act(id, { ...part, unitId: "street" });
    const [child] = parent.children;
    expect(child).toMatchObject({ parentId: id, unitId: "street", state: "open", position: SITE });
    expect(Value.Errors(CaseDetail, structuredClone(parent))).toEqual([]);
    await rig.act(id, { act: "assign", crewId: "crew-a" });
    await rig.press(CREW_A, await legOf(rig, id, "crew-a"), "acknowledge", "on-scene", "resolved");
    expect((await rig.detail(id)).case.waitingFor).toContain("case 2, a part of this, is not over");
    await rig.act(child?.id ?? "", { act: "close-unverified", cause: "swept" }, SUPERVISOR);
    await rig.live(2000);
    expect((await rig.detail(id)).case.waitingFor).not.toContain("case 2, a part of this, is not over");
  });

  test("are never merged into a part of their own, which would be a part of itself and never close", async () => {
    const rig = await rigWith(PROPOSE);
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, { ...stall, externalId: "1", position: SITE });
    const whole = report.caseId;
    const part = { act: "open-child", title: "x", cause: "seen there", category: "spillage" } as const;
    const child = (await rig.act(whole, part)).children[0]?.id ?? "";
    const grandchild = (await rig.act(child, part)).children[0]?.id ?? "";
    for (const into of [child, grandchild]) {
      const refused = rig.act(whole, { act: "merge", into, cause: "the same" });
      await expect(refused).rejects.toMatchObject({
        code: "CASE_MERGE",
        message: expect.stringContaining("a part of"),
      });
    }
    await rig.act(child, { act: "merge", into: whole, cause: "the same" });
    expect((await rig.detail(grandchild)).case.parentId).toBe(whole);
    expect((await rig.detail(whole)).children.map(({ id }) => id)).toContain(grandchild);
  });

  test("that rest keep what was left of their times, where the reason says so", async () => {
    const rig = await rigWith(PROPOSE);
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, { ...stall, externalId: "1", position: SITE });
    const id = report.caseId;
    const dueMs = T0 + 1440 * MINUTE_MS;
    const rest = (reason: string, untilMs: number) => rig.act(id, { act: "suspend", cause: "storm", untilMs, reason });
    await expect(rest("no-such", T0 + 1000)).rejects.toMatchObject({ code: "SUSPEND_REASON_UNKNOWN" });
    expect((await rest("weather", T0 + 60 * MINUTE_MS)).case).toMatchObject({ clockPausedAtMs: T0 });
    await rig.live(0);
    rig.clock.pass(60 * MINUTE_MS);
    await rig.desk.tick();
    expect((await rig.detail(id)).case).toMatchObject({ state: "open", dueTotalAtMs: dueMs + 60 * MINUTE_MS });
    await rest("desk", rig.clock.nowMs() + 60 * MINUTE_MS);
    expect((await rig.detail(id)).case.clockPausedAtMs).toBeUndefined();
    rig.clock.pass(60 * MINUTE_MS);
    await rig.desk.tick();
    expect((await rig.detail(id)).case).toMatchObject({ dueTotalAtMs: dueMs + 60 * MINUTE_MS });
  });

  test("of events are closed with evidence of theirs, or by name as unverified", async () => {
    const rig = await rigWith(PROPOSE);
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, { ...stall, externalId: "1", position: SITE });
    const close = (evidence?: string[]) =>
      rig.act(report.caseId, { act: "close-event", cause: "gone", ...(evidence && { evidence }) }, SUPERVISOR);
    await expect(close()).rejects.toMatchObject({ code: "CLOSE_NEEDS_EVIDENCE" });
    await expect(close(["of-another-case"])).rejects.toMatchObject({ code: "CLOSE_NEEDS_EVIDENCE" });
    const alarm = noiseRevision({ nowMs: T0, node: "site-051" });
    await rig.receive(alarm);
    const { alarmId } = alarm.body;
    const link = { case_id: report.caseId, alarm_id: alarmId, joined_at_ms: T0, how: "near" };
    await rig.db.insertInto("case_alarms").values(link).execute();
    const evidence = { evidence_id: "e-1", alarm_id: alarmId, node: "site-051", device: "cam", run: "r", seq: 1 };
    const body = JSON.stringify({ evidenceId: "e-1", alarmId, parts: [], missing: [] });
    const unsigned = { manifest: null, key_id: null, sig: null };
    await rig.db
      .insertInto("evidence")
      .values({ ...evidence, ...unsigned, received_at_ms: T0, body })
      .execute();
    const closed = await close(["e-1"]);
    expect(closed.case.state).toBe("closed");
    expect(closed.timeline.at(-1)).toMatchObject({ kind: "close-event", detail: { evidence: ["e-1"] } });
  });
});

describe("work at a site", () => {
  test("records alarms and sends nobody; what stands when it is over gets its crew", async () => {
    const rig = await rigWith();
    const work = { node: "site-042", cause: "meter is exchanged", fromMs: T0, toMs: T0 + 10 * MINUTE_MS };
    await rig.desk.casework.addInhibition(DISPATCHER, work);
    const alarm = noiseRevision({ nowMs: T0 });
    await rig.receive(alarm);
    await rig.live(120_000);
    const held = await rig.theCase();
    expect(held.case).toMatchObject({ state: "open", isHeld: true });
    expect(held.timeline.map(({ kind }) => kind)).toEqual(["opened", "inhibited"]);
    await rig.receive({ ...alarm, body: { ...alarm.body, rev: 2, phase: "updated" } });
    await rig.desk.wake();
    expect((await rig.theCase()).case.isHeld, "a revision does not free it").toBe(true);
    rig.clock.pass(9 * MINUTE_MS);
    await rig.freshen();
    await rig.makeDesk().tick();
    const sent = await rig.desk.views.caseDetail(held.case.id);
    expect(sent.case).toMatchObject({ state: "assigned" });
    expect(sent.timeline.map(({ kind }) => kind)).toEqual(["opened", "inhibited", "inhibition-ended", "assigned"]);
  });

  test("does not hold back an officer's call for help", async () => {
    const rig = await rigWith();
    await rig.desk.casework.addInhibition(DISPATCHER, {
      ...{ siteId: "block-7", cause: "power is off" },
      ...{ fromMs: T0, toMs: T0 + 10 * MINUTE_MS },
    });
    const call = noiseRevision({ nowMs: T0 });
    await rig.receive({ ...call, body: { ...call.body, family: "emergency", nature: "event" } });
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ family: "emergency", state: "assigned" });
  });
});

describe("crews", () => {
  test("back each other up, and the back-up takes over where the first drops out", async () => {
    const rig = await rigWith();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { id } = (await rig.theCase()).case;
    await rig.act(id, { act: "back-up", crewId: "crew-b" });
    await expect(rig.act(id, { act: "back-up", crewId: "crew-b" })).rejects.toMatchObject({ code: "CASE_HAS_CREW" });
    const [first, second] = [await legOf(rig, id, "crew-a"), await legOf(rig, id, "crew-b")];
    expect(await rig.desk.undelivered("crew-b")).toEqual([second]);
    await rig.press(CREW_B, second, "acknowledge", "en-route");
    expect((await rig.detail(id)).case, "a back-up does not move the case").toMatchObject({ state: "assigned" });
    await rig.press(CREW_A, first, "decline");
    const over = await rig.detail(id);
    expect(over.case).toMatchObject({ state: "en-route", assignment: { crewId: "crew-b" } });
    expect(over.timeline.map(({ kind }) => kind)).toContain("took-over");
    await rig.desk.onPosition({ node: "car-b" }, { ...SITE, atMs: rig.clock.nowMs() });
    await rig.press(CREW_B, second, "resolved");
    expect((await rig.detail(id)).case.state).toBe("verifying");
    expect(brokenAt(id, (await rig.detail(id)).timeline)).toBeUndefined();
  });

  test("are changed for one another in one act", async () => {
    const rig = await rigWith();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { id } = (await rig.theCase()).case;
    const after = await rig.act(id, { act: "reassign", crewId: "crew-b", cause: "crew A has a flat tyre" });
    expect(after.case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-b" } });
    expect(after.timeline.map(({ kind }) => kind)).toEqual(["opened", "assigned", "reassign", "assigned"]);
    const busy = await rig.db.selectFrom("crews").select("id").where("assignment_id", "is not", null).execute();
    expect(busy).toEqual([{ id: "crew-b" }]);
  });

  test("have one urgent case, unless the desk says so; what is not urgent stands beside it", async () => {
    const rig = await rigWith(PROPOSE);
    const [one, two] = await rig.twoCases();
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, { ...stall, externalId: "1", position: SITE });
    await rig.act(report.caseId, { act: "assign", crewId: "crew-a" });
    await rig.act(one, { act: "assign", crewId: "crew-a" });
    await expect(rig.act(two, { act: "assign", crewId: "crew-a" })).rejects.toMatchObject({ code: "CREW_BUSY" });
    await rig.act(two, { act: "assign", crewId: "crew-a", evenIfBusy: true });
    const active = await rig.db.selectFrom("assignments").select("case_id").where("active", "=", 1).execute();
    expect(active.map(({ case_id }) => case_id).sort()).toEqual([one, two, report.caseId].sort());
    await rig.press(CREW_A, await legOf(rig, one, "crew-a"), "acknowledge", "on-scene", "resolved");
    const [crew] = await rig.desk.views.crewViews();
    expect(crew?.assignment?.caseId, "the next urgent one holds it now").toBe(two);
    const three = noiseRevision({ nowMs: T0, node: "site-052", position: { latitudeDeg: 40.5, longitudeDeg: 116 } });
    await rig.receive(three);
    await rig.desk.wake();
    const [newest] = (await rig.desk.views.caseList({ limit: 1 })).items;
    await expect(rig.act(newest?.id ?? "", { act: "assign", crewId: "crew-a" })).rejects.toMatchObject({
      code: "CREW_BUSY",
    });
  });
});

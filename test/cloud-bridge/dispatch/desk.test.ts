import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { AlarmView, CaseDetail, CaseView } from "../../../cloud-bridge/api/schema/desk.ts";
import { EVENT_SCHEMAS } from "../../../cloud-bridge/api/schema/events.ts";
import { CrewView } from "../../../cloud-bridge/api/schema/roster.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, CREW_B, DISPATCHER, deskRig, NEAR_BY, newKey, SITE, SUPERVISOR, T0 } from "../../fakes/desk-rig.ts";

const press = (act: "acknowledge" | "decline" | "en-route" | "on-scene" | "resolved") => ({ act, deviceTimeMs: T0 });

describe("a noise alarm", () => {
  test("becomes a case, the nearest crew goes, and the sensors close it", async () => {
    const rig = await deskRig();
    const { desk, clock } = rig;
    const alarm = noiseRevision({ nowMs: T0 });
    await rig.receive(alarm);
    await desk.wake();

    let detail = await rig.theCase();
    expect(detail.case).toMatchObject({ state: "assigned", siteName: "Guanghua Road block 7", peakDb: 77.1 });
    expect(detail.candidates.map(({ crewId, eligible }) => [crewId, eligible])).toEqual([
      ["crew-a", true],
      ["crew-b", true],
    ]);
    const leg = detail.case.assignment;
    expect(leg).toMatchObject({ crewId: "crew-a", state: "assigned", distanceM: 1245 });
    expect(rig.events.map(({ name }) => name)).toEqual(["case", "case", "assignment"]);
    if (leg === undefined) return;

    expect(await desk.undelivered("crew-a")).toEqual([leg.id]);
    clock.pass(40);
    await desk.onDelivered(leg.id, "crew.a");
    await desk.onDelivered(leg.id, "crew.a");
    expect(await desk.undelivered("crew-a")).toEqual([]);
    expect((await rig.theCase()).case.assignment?.notifiedAtMs).toBe(T0 + 40);

    await desk.actOnAssignment(CREW_A, leg.id, press("acknowledge"), newKey());
    await desk.actOnAssignment(CREW_A, leg.id, press("en-route"), newKey());
    clock.pass(300_000);
    await desk.onPosition({ node: "car-a" }, { ...SITE, atMs: clock.nowMs() });
    expect((await rig.theCase()).case).toMatchObject({ state: "on-scene", assignment: { onSceneBy: ["gps"] } });
    const arrived = await desk.actOnAssignment(CREW_A, leg.id, press("on-scene"), newKey());
    expect(arrived.onSceneBy).toEqual(["button", "gps"]);

    await rig.receive(noiseRevision({ nowMs: clock.nowMs(), alarmId: alarm.body.alarmId, rev: 2, phase: "cleared" }));
    await desk.wake();
    await desk.actOnAssignment(CREW_A, leg.id, press("resolved"), newKey());
    expect((await rig.theCase()).case).toMatchObject({
      state: "verifying",
      waitingFor: ["noise-01: quiet 1 of 10 min"],
    });

    for (let minute = 0; minute < 9; minute += 1) {
      await rig.minute(clock.nowMs(), 50);
      clock.pass(60_000);
      await desk.tick();
    }
    detail = await rig.theCase();
    expect(detail.case).toMatchObject({ state: "closed", waitingFor: [] });
    expect(detail.timeline.map(({ kind, actor }) => `${kind} by ${actor}`)).toEqual([
      "opened by site-042",
      "assigned by system:dispatch",
      "notified by crew.a",
      "acknowledge by crew.a",
      "en-route by crew.a",
      "on-scene by crew:crew-a",
      "on-scene by crew.a",
      "alarm-cleared by site-042",
      "resolved by crew.a",
      "verifying by system:verify",
      "verified by system:verify",
    ]);
    expect(brokenAt(detail.case.id, detail.timeline)).toBeUndefined();
    expect(Value.Errors(CaseDetail, structuredClone(detail))).toEqual([]);
    for (const view of await desk.views.crewViews()) expect(Value.Errors(CrewView, structuredClone(view))).toEqual([]);
    for (const view of (await desk.views.alarmList({ limit: 9 })).items)
      expect(Value.Check(AlarmView, view)).toBe(true);
    for (const view of (await desk.views.caseList({ limit: 9 })).items) expect(Value.Check(CaseView, view)).toBe(true);
    for (const event of rig.events) expect(Value.Errors(EVENT_SCHEMAS[event.name], JSON.parse(event.data))).toEqual([]);
    const replayed = await desk.events.since(0);
    expect(replayed.isWhole).toBe(true);
    expect(replayed.events.map(({ id }) => id)).toEqual(rig.events.map(({ id }) => id));
  });

  test("that comes a thousand times is one case", async () => {
    const rig = await deskRig();
    const alarm = noiseRevision({ nowMs: T0 });
    for (let repeat = 0; repeat < 1000; repeat += 1) {
      await rig.receive(alarm);
      if (repeat % 100 === 0) await rig.desk.wake();
    }
    await rig.desk.wake();
    expect((await rig.theCase()).case.alarmIds).toEqual([alarm.body.alarmId]);
    expect(await rig.db.selectFrom("case_alarms").select("alarm_id").execute()).toHaveLength(1);
  });

  test("is doubled once the unique keys are gone: the negative control turns red", async () => {
    const rig = await deskRig({ negativeControl: "no-unique-key" });
    const alarm = noiseRevision({ nowMs: T0 });
    await rig.receive(alarm);
    await rig.receive({ ...alarm, body: { ...alarm.body, rev: 2, phase: "updated" } });
    await rig.desk.wake();
    expect(await rig.db.selectFrom("case_alarms").select("alarm_id").execute()).toHaveLength(2);
  });

  test("of yesterday is listed and never dispatched by itself", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 - 24 * 3600_000, ageMs: 24 * 3600_000 }));
    await rig.desk.wake();
    await rig.live(180_000);
    expect((await rig.theCase()).case).toMatchObject({ state: "open", late: true });
    expect(await rig.db.selectFrom("assignments").select("id").execute()).toEqual([]);
  });

  test("that is live makes the late case at its site live, and somebody goes", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 - 24 * 3600_000, ageMs: 24 * 3600_000 }));
    await rig.desk.wake();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", late: false });
  });

  test("that was late and speaks again is live, and somebody goes", async () => {
    const rig = await deskRig();
    const old = noiseRevision({ nowMs: T0 - 3600_000, ageMs: 3600_000 });
    await rig.receive(old);
    await rig.desk.wake();
    await rig.receive({ ...old, ageMs: 10, body: { ...old.body, rev: 2, phase: "updated", stateAtMs: T0 } });
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", late: false });
  });

  test("under a permit is shown and not dispatched by itself", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0, permit: "2026-118" }));
    await rig.desk.wake();
    await rig.live(120_000);
    expect((await rig.theCase()).case.state).toBe("open");
  });

  test("that clears before a crew is sent needs nobody", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "auto-after", afterSeconds: 60 } } });
    const alarm = noiseRevision({ nowMs: T0 });
    await rig.receive(alarm);
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({
      autoDispatchAtMs: T0 + 60_000,
      assignment: { state: "proposed" },
    });
    rig.clock.pass(30_000);
    await rig.receive(noiseRevision({ nowMs: T0 + 30_000, alarmId: alarm.body.alarmId, rev: 2, phase: "cleared" }));
    await rig.live(60_000);
    const cleared = await rig.theCase();
    expect(cleared.case).toMatchObject({ state: "self-cleared" });
    expect(cleared.case.assignment).toBeUndefined();
    expect(cleared.assignments.map(({ state }) => state)).toEqual(["withdrawn"]);
    await rig.freshen();
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "open", assignment: { crewId: "crew-a" } });
  });

  test("whose armed hours end proves nothing: the case stays with the desk", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    const alarm = noiseRevision({ nowMs: T0 });
    await rig.receive(alarm);
    await rig.desk.wake();
    const cleared = noiseRevision({ nowMs: T0 + 1000, alarmId: alarm.body.alarmId, rev: 2, phase: "cleared" });
    await rig.receive({ ...cleared, body: { ...cleared.body, clearReason: "disarmed" } });
    await rig.desk.wake();
    expect((await rig.theCase()).case.state).toBe("open");
  });

  test("brings a resolved case at its site back to its crew", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const leg = (await rig.theCase()).case.assignment?.id ?? "";
    for (const act of ["acknowledge", "on-scene", "resolved"] as const) {
      await rig.desk.actOnAssignment(CREW_A, leg, press(act), newKey());
    }
    expect((await rig.theCase()).case.state).toBe("verifying");
    await rig.receive(noiseRevision({ nowMs: T0 + 2000 }));
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "on-scene", assignment: { id: leg, state: "on-scene" } });
    expect(await rig.desk.undelivered("crew-a")).toContain(leg);
  });
});

describe("a crew", () => {
  test("is sent once though two dispatchers send it", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.receive(noiseRevision({ nowMs: T0, node: "site-077", position: NEAR_BY, device: "noise-09" }));
    await rig.desk.wake();
    const { items } = await rig.desk.views.caseList({ limit: 5 });
    const acts = await Promise.allSettled(
      items.map(({ id }, index) =>
        rig.desk.actOnCase(index === 0 ? DISPATCHER : SUPERVISOR, id, { act: "assign", crewId: "crew-a" }, newKey()),
      ),
    );
    expect(acts.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(acts.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "CREW_BUSY" } });
    const active = await rig.db.selectFrom("assignments").select("crew_id").where("active", "=", 1).execute();
    expect(active).toEqual([{ crew_id: "crew-a" }]);
  });

  test("that does not answer or declines is followed by the next", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    rig.clock.pass(119_000);
    await rig.freshen();
    await rig.desk.tick();
    expect((await rig.theCase()).case.assignment?.crewId).toBe("crew-a");
    rig.clock.pass(1_000);
    await rig.desk.tick();
    const { assignment } = (await rig.theCase()).case;
    expect(assignment).toMatchObject({ crewId: "crew-b", state: "assigned" });
    await rig.desk.actOnAssignment(CREW_B, assignment?.id ?? "", press("decline"), newKey());
    const detail = await rig.theCase();
    expect(detail.case.state).toBe("open");
    expect(detail.timeline.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["escalated", "decline", "no-crew"]),
    );
    expect(detail.candidates.map(({ reasons }) => reasons[2]).sort()).toEqual(["declined this case", "did not answer"]);
  });

  test("without a fresh fix, off duty or busy is rejected, and the reason is kept", async () => {
    const rig = await deskRig();
    rig.clock.pass(121_000);
    await rig.desk.onPosition({ node: "car-b" }, { ...SITE, atMs: rig.clock.nowMs() });
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    const detail = await rig.theCase();
    expect(detail.case.assignment?.crewId).toBe("crew-b");
    expect(detail.candidates.find(({ crewId }) => crewId === "crew-a")?.reasons).toContain(
      "no fresh fix: the newest is 121 s old",
    );
  });

  test("acts once per key, and a key does not serve for another act", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const leg = (await rig.theCase()).case.assignment?.id ?? "";
    await rig.desk.actOnAssignment(CREW_A, leg, press("acknowledge"), "one");
    await rig.desk.actOnAssignment(CREW_A, leg, press("acknowledge"), "one");
    expect((await rig.theCase()).timeline.filter(({ kind }) => kind === "acknowledge")).toHaveLength(1);
    await expect(rig.desk.actOnAssignment(CREW_A, leg, press("decline"), "one")).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
    await expect(rig.desk.actOnAssignment(CREW_B, leg, press("decline"), newKey())).rejects.toMatchObject({
      code: "ASSIGNMENT_NOT_YOURS",
    });
  });

  test("that worked on a case does not close it", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { id, assignment } = (await rig.theCase()).case;
    await rig.desk.actOnAssignment(CREW_A, assignment?.id ?? "", press("acknowledge"), newKey());
    const act = { act: "close-unverified", cause: "the meter was stolen" } as const;
    await expect(rig.desk.actOnCase(CREW_A, id, act, newKey())).rejects.toMatchObject({ code: "CLOSER_IS_HANDLER" });
    const closed = await rig.desk.actOnCase(SUPERVISOR, id, act, newKey());
    expect(closed.case.state).toBe("closed-unverified");
    expect(closed.timeline.at(-1)).toMatchObject({ actor: "wang.lead", cause: "the meter was stolen" });
    expect((await rig.desk.views.crewViews()).every((crew) => crew.assignment === undefined)).toBe(true);
  });
});

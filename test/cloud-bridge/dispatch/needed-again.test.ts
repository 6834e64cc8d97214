import { describe, expect, test } from "vitest";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import {
  CREW_A,
  CREW_B,
  type DeskRig,
  DISPATCHER,
  deskRig,
  newKey,
  SITE,
  SUPERVISOR,
  T0,
} from "../../fakes/desk-rig.ts";

const press = (act: "acknowledge" | "on-scene" | "resolved") => ({ act, deviceTimeMs: T0 });

describe("a case that needs somebody after all", () => {
  const cleared = (rig: DeskRig, alarmId: string, rev: number) =>
    rig.receive(noiseRevision({ nowMs: rig.clock.nowMs(), alarmId, rev, phase: "cleared" }));
  const loud = (rig: DeskRig, alarmId: string, rev: number) =>
    rig.receive(noiseRevision({ nowMs: rig.clock.nowMs(), alarmId, rev, phase: "updated" }));
  /** A crew has come and called it resolved. */
  async function resolved(rig: DeskRig, alarm = noiseRevision({ nowMs: T0 })) {
    await rig.receive(alarm);
    await rig.desk.wake();
    const { id, assignment } = (await rig.theCase()).case;
    const leg = assignment?.id ?? "";
    await rig.desk.onDelivered(leg, "crew.a");
    for (const act of ["acknowledge", "on-scene", "resolved"] as const) {
      await rig.desk.actOnAssignment(CREW_A, leg, press(act), newKey());
    }
    expect((await rig.theCase()).case.state).toBe("verifying");
    return { id, leg, alarmId: alarm.body.alarmId };
  }
  const kinds = async (rig: DeskRig) => (await rig.theCase()).timeline.map(({ kind }) => kind);

  test("is dispatched when its permit ends while the alarm stands", async () => {
    const rig = await deskRig();
    const alarm = noiseRevision({ nowMs: T0, permit: "2026-118" });
    await rig.receive(alarm);
    await rig.desk.wake();
    const under = noiseRevision({
      nowMs: T0,
      alarmId: alarm.body.alarmId,
      rev: 2,
      phase: "updated",
      permit: "2026-118",
    });
    await rig.receive(under);
    await rig.desk.wake();
    expect((await rig.theCase()).case.state).toBe("open");
    for (const rev of [3, 4]) {
      rig.clock.pass(30_000);
      await loud(rig, alarm.body.alarmId, rev);
      await rig.desk.wake();
    }
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-a" } });
    expect((await kinds(rig)).filter((kind) => kind === "permit-ended")).toHaveLength(1);
  });

  test("is not dispatched when its alarm clears without the permit, and is when that is raised again", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    const alarm = noiseRevision({ nowMs: T0, permit: "2026-118" });
    await rig.receive(alarm);
    await rig.desk.wake();
    await cleared(rig, alarm.body.alarmId, 2);
    await rig.desk.wake();
    expect((await rig.theCase()).case.state).toBe("self-cleared");
    expect(await kinds(rig)).not.toContain("permit-ended");
    await loud(rig, alarm.body.alarmId, 3);
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "open", assignment: { state: "proposed" } });
  });

  test("goes to a crew when its suspension ends while the site is loud", async () => {
    const rig = await deskRig();
    const { id, alarmId } = await resolved(rig);
    await cleared(rig, alarmId, 2);
    await rig.desk.wake();
    const suspend = { act: "suspend", cause: "a pause", untilMs: T0 + 60_000 } as const;
    await rig.desk.actOnCase(SUPERVISOR, id, suspend, newKey());
    rig.clock.pass(30_000);
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    rig.clock.pass(31_000);
    await rig.freshen();
    await rig.desk.tick();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", waitingFor: [] });
  });

  test("goes on being verified when its suspension ends in quiet", async () => {
    const rig = await deskRig();
    const { id, alarmId } = await resolved(rig);
    await cleared(rig, alarmId, 2);
    await rig.desk.wake();
    const suspend = { act: "suspend", cause: "a pause", untilMs: T0 + 60_000 } as const;
    await rig.desk.actOnCase(SUPERVISOR, id, suspend, newKey());
    await rig.desk.actOnCase(SUPERVISOR, id, { act: "resume" }, newKey());
    expect((await rig.theCase()).case.state).toBe("verifying");
  });

  test("goes to a crew after its suspension for a new event, and not for the one that a crew has seen", async () => {
    const event = (nowMs: number) => {
      const revision = noiseRevision({ nowMs });
      return { ...revision, body: { ...revision.body, nature: "event" as const } };
    };
    const rig = await deskRig();
    const { id } = await resolved(rig, event(T0));
    const suspend = () => ({ act: "suspend", cause: "a pause", untilMs: rig.clock.nowMs() + 60_000 }) as const;
    await rig.desk.actOnCase(SUPERVISOR, id, suspend(), newKey());
    await rig.desk.actOnCase(SUPERVISOR, id, { act: "resume" }, newKey());
    expect((await rig.theCase()).case.state).toBe("verifying");
    await rig.desk.actOnCase(SUPERVISOR, id, suspend(), newKey());
    rig.clock.pass(1000);
    await rig.receive(event(rig.clock.nowMs()));
    await rig.desk.wake();
    await rig.desk.actOnCase(SUPERVISOR, id, { act: "resume" }, newKey());
    expect((await rig.theCase()).case.state).toBe("assigned");
  });

  test("is given to another crew by the desk when the first called it resolved too early", async () => {
    const rig = await deskRig();
    const { id, alarmId } = await resolved(rig);
    const send = { act: "assign", crewId: "crew-b" } as const;
    const sent = await rig.desk.actOnCase(DISPATCHER, id, send, newKey());
    expect(sent.case).toMatchObject({ state: "assigned", waitingFor: [], assignment: { crewId: "crew-b" } });
    expect(sent.timeline.slice(-2)).toMatchObject([
      { kind: "sent-again", actor: "li.desk", detail: { from: "verifying", to: "open" } },
      { kind: "assigned", actor: "li.desk", detail: { from: "open", to: "assigned" } },
    ]);
    const leg = sent.case.assignment?.id ?? "";
    for (const act of ["acknowledge", "on-scene", "resolved"] as const) {
      await rig.desk.actOnAssignment(CREW_B, leg, press(act), newKey());
    }
    await cleared(rig, alarmId, 2);
    await rig.desk.wake();
    await expect(rig.desk.actOnCase(DISPATCHER, id, send, newKey())).rejects.toMatchObject({ code: "CASE_MOVE" });
  });

  test("tells the crew that it is brought back to, with a proof of its own", async () => {
    const rig = await deskRig();
    const { leg } = await resolved(rig);
    rig.clock.pass(20_000);
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    const shown = rig.events.filter(({ name }) => name === "assignment").at(-1);
    expect(shown?.data).not.toContain("notifiedAtMs");
    expect((await rig.theCase()).case.assignment).toMatchObject({ id: leg, state: "on-scene" });
    await rig.desk.onDelivered(leg, "crew.a");
    expect((await rig.theCase()).case.assignment?.notifiedAtMs).toBe(T0 + 20_000);
    expect((await kinds(rig)).filter((kind) => kind === "notified")).toHaveLength(2);
    await rig.live(150_000);
    expect((await rig.theCase()).case).toMatchObject({ state: "on-scene", assignment: { id: leg } });
  });

  test("passes to the next crew when the one that it is brought back to cannot be told", async () => {
    const rig = await deskRig();
    await resolved(rig);
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    expect((await rig.theCase()).case.state).toBe("on-scene");
    rig.clock.pass(rig.settings.acknowledgeMs);
    await rig.freshen();
    await rig.desk.tick();
    const detail = await rig.theCase();
    expect(detail.case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-b" } });
    expect(detail.timeline.find(({ kind }) => kind === "escalated")?.cause).toBe("the crew could not be reached");
  });

  test("passes to the next crew though the vehicle of the first stands at the site: that proves no knowledge", async () => {
    const rig = await deskRig();
    await resolved(rig);
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    rig.clock.pass(60_000);
    await rig.desk.onPosition({ node: "car-a" }, { ...SITE, atMs: rig.clock.nowMs() });
    expect((await rig.theCase()).case).toMatchObject({ state: "on-scene", assignment: { crewId: "crew-a" } });
    rig.clock.pass(rig.settings.acknowledgeMs - 60_000);
    await rig.desk.onPosition({ node: "car-a" }, { ...SITE, atMs: rig.clock.nowMs() });
    await rig.desk.tick();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-b" } });
  });

  test("keeps the timer of a crew that it is assigned to anew after its end, whatever a fix at the site says", async () => {
    const rig = await deskRig();
    const { id, alarmId } = await resolved(rig);
    await cleared(rig, alarmId, 2);
    const unverified = { act: "close-unverified", cause: "the meter was taken down" } as const;
    await rig.desk.actOnCase(SUPERVISOR, id, unverified, newKey());
    rig.clock.pass(60_000);
    await rig.freshen();
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-a" } });
    await rig.desk.onPosition({ node: "car-a" }, { ...SITE, atMs: rig.clock.nowMs() });
    expect((await rig.theCase()).case.state).toBe("assigned");
    rig.clock.pass(rig.settings.acknowledgeMs);
    await rig.freshen();
    await rig.desk.tick();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-b" } });
  });
});

import { describe, expect, test } from "vitest";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, CREW_B, type DeskRig, DISPATCHER, deskRig, NEAR_BY, newKey, SITE, T0 } from "../../fakes/desk-rig.ts";

type Act = "acknowledge" | "on-scene" | "resolved";

async function press(rig: DeskRig, act: Act): Promise<void> {
  const leg = (await rig.theCase()).case.assignment;
  const crew = leg?.crewId === "crew-b" ? CREW_B : CREW_A;
  await rig.desk.actOnAssignment(crew, leg?.id ?? "", { act, deviceTimeMs: rig.clock.nowMs() }, newKey());
}

async function raise(rig: DeskRig): Promise<string> {
  const alarm = noiseRevision({ nowMs: rig.clock.nowMs() });
  await rig.receive(alarm);
  await rig.desk.wake();
  return alarm.body.alarmId;
}

async function clear(rig: DeskRig, alarmId: string): Promise<void> {
  await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs(), alarmId, rev: 2, phase: "cleared" }));
  await rig.desk.wake();
}

const atSite = (rig: DeskRig) => rig.desk.onPosition({ node: "car-a" }, { ...SITE, atMs: rig.clock.nowMs() });

async function quietMinutes(rig: DeskRig, count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await rig.minute(rig.clock.nowMs(), 50);
    rig.clock.pass(60_000);
    await rig.desk.tick();
  }
}

/** A visit that GPS saw, up to a closed case. */
async function closedVisit(rig: DeskRig): Promise<void> {
  const alarmId = await raise(rig);
  await press(rig, "acknowledge");
  await atSite(rig);
  rig.clock.pass(120_000);
  await clear(rig, alarmId);
  await press(rig, "resolved");
  await quietMinutes(rig, 10);
  expect((await rig.theCase()).case.state).toBe("closed");
}

const UNSEEN = "crew not seen at the site by GPS or radio";

describe("proof of quiet", () => {
  test("does not reach back over a burst that its minute's average hides", async () => {
    const rig = await deskRig();
    for (let minute = 12; minute > 0; minute -= 1) await rig.minute(T0 - minute * 60_000, 50);
    rig.clock.pass(20_000);
    const alarmId = await raise(rig);
    await press(rig, "acknowledge");
    await atSite(rig);
    rig.clock.pass(40_000);
    await rig.minute(T0, 63.5);
    rig.clock.pass(40_000);
    await clear(rig, alarmId);
    rig.clock.pass(20_000);
    await rig.minute(T0 + 60_000, 52);
    await press(rig, "resolved");
    expect((await rig.theCase()).case).toMatchObject({
      state: "verifying",
      waitingFor: ["noise-01: quiet 1 of 10 min"],
    });
    await quietMinutes(rig, 8);
    expect((await rig.theCase()).case.state).toBe("verifying");
    await quietMinutes(rig, 1);
    const { case: closed, timeline } = await rig.theCase();
    expect(closed.state).toBe("closed");
    expect(timeline.at(-1)?.detail).toMatchObject({ sources: [{ quietMs: 620_000 }] });
  });

  test("of one station behind a listener is its own levels, not another's, and not a period that it made itself", async () => {
    const rig = await deskRig();
    const subject = { type: "station", id: "GATE01" } as const;
    const standing = { node: "site-042", device: "noise-01", subject_type: "station", state: "online", at_ms: T0 };
    for (const id of ["GATE01", "GATE02"]) {
      await rig.store.db
        .insertInto("device_state")
        .values({ ...standing, subject_id: id })
        .execute();
    }
    const raised = noiseRevision({ nowMs: rig.clock.nowMs(), subject });
    await rig.receive(raised);
    await rig.desk.wake();
    await press(rig, "acknowledge");
    await atSite(rig);
    rig.clock.pass(120_000);
    await rig.receive(
      noiseRevision({ nowMs: rig.clock.nowMs(), alarmId: raised.body.alarmId, rev: 2, phase: "cleared", subject }),
    );
    await rig.desk.wake();
    await press(rig, "resolved");
    const minutes = async (count: number, of: Parameters<typeof rig.minute>[2]) => {
      for (let minute = 0; minute < count; minute += 1) {
        await rig.minute(rig.clock.nowMs(), 50, of);
        rig.clock.pass(60_000);
        await rig.desk.tick();
      }
    };
    await minutes(12, { station: "GATE02" });
    await minutes(12, { station: "GATE01", statisticsBy: "station" });
    const { case: waiting } = await rig.theCase();
    expect(waiting.state).toBe("verifying");
    expect(waiting.waitingFor?.[0]).toMatch(/^noise-01 GATE01: newest level is \d+ s old$/);
    await minutes(11, { station: "GATE01" });
    expect((await rig.theCase()).case.state).toBe("closed");
  });

  test("of the clear window alone suffices where the scaled time is shorter", async () => {
    const rig = await deskRig({ settings: { timeScale: 60 } });
    const alarmId = await raise(rig);
    await press(rig, "acknowledge");
    await atSite(rig);
    rig.clock.pass(70_000);
    await clear(rig, alarmId);
    await press(rig, "resolved");
    expect((await rig.theCase()).case.state).toBe("closed");
  });

  test("begins anew where armed hours end: that says nothing of quiet", async () => {
    const rig = await deskRig();
    for (let minute = 12; minute > 0; minute -= 1) await rig.minute(T0 - minute * 60_000, 50);
    const alarmId = await raise(rig);
    await press(rig, "acknowledge");
    await atSite(rig);
    const cleared = noiseRevision({ nowMs: T0 + 1000, alarmId, rev: 2, phase: "cleared" });
    await rig.receive({ ...cleared, body: { ...cleared.body, clearReason: "disarmed" } });
    await rig.desk.wake();
    rig.clock.pass(1000);
    await press(rig, "resolved");
    expect((await rig.theCase()).case.waitingFor).toEqual(["noise-01: quiet 0 of 10 min"]);
  });

  test("is never taken from levels of the future, which do not hide those of now either", async () => {
    const rig = await deskRig();
    for (let minute = 0; minute < 30; minute += 1) await rig.minute(T0 + 86_400_000 + minute * 60_000, 50);
    await rig.freshen();
    const alarmId = await raise(rig);
    await press(rig, "acknowledge");
    await atSite(rig);
    rig.clock.pass(120_000);
    await rig.minute(T0, 80);
    await clear(rig, alarmId);
    await press(rig, "resolved");
    expect((await rig.theCase()).case).toMatchObject({
      state: "verifying",
      waitingFor: ["noise-01: quiet 1 of 10 min"],
    });
    await quietMinutes(rig, 9);
    expect((await rig.theCase()).case.state).toBe("closed");
  });

  test("of a clock that is ahead counts where its correction places it", async () => {
    const rig = await deskRig();
    const alarmId = await raise(rig);
    await press(rig, "acknowledge");
    await atSite(rig);
    rig.clock.pass(120_000);
    await clear(rig, alarmId);
    await press(rig, "resolved");
    const aheadMs = 86_400_000;
    for (let minute = 0; minute < 9; minute += 1) {
      const fromMs = rig.clock.nowMs();
      await rig.minute(fromMs + aheadMs, 50);
      const corrected_at_ms = fromMs + 60_000;
      await rig.db
        .updateTable("inbox")
        .set({ corrected_at_ms })
        .where("at_ms", "=", corrected_at_ms + aheadMs)
        .execute();
      rig.clock.pass(60_000);
      await rig.desk.tick();
    }
    expect((await rig.theCase()).case.state).toBe("closed");
  });
});

describe("a case that the sensors cannot prove", () => {
  const OVERDUE = "a named person must decide: the sensors have not proven it in time";

  test("goes back to the desk after the hours that are set, once; only a named person ends it unverified", async () => {
    const rig = await deskRig({ settings: { giveUpMs: 3600_000 } });
    await raise(rig);
    await press(rig, "acknowledge");
    await press(rig, "on-scene");
    await press(rig, "resolved");
    for (let minute = 1; minute < 60; minute += 1) {
      rig.clock.pass(60_000);
      await rig.freshen();
    }
    rig.clock.pass(59_000);
    await rig.freshen();
    await rig.desk.tick();
    expect((await rig.theCase()).case.waitingFor).not.toContain(OVERDUE);
    for (let look = 0; look < 3; look += 1) {
      rig.clock.pass(1000);
      await rig.desk.tick();
    }
    const { case: view, timeline } = await rig.theCase();
    expect(view.state).toBe("verifying");
    expect(view.waitingFor[0]).toBe(OVERDUE);
    expect(timeline.filter(({ kind }) => kind === "verification-overdue")).toMatchObject([
      { actor: "system:verify", cause: "not proven within 1 h: a named person must decide" },
    ]);
  });
});

describe("proof of arrival", () => {
  test.each(["by the meter", "by a person"])(
    "of a closed visit does not serve once the case is reopened %s",
    async (how) => {
      const rig = await deskRig();
      await closedVisit(rig);
      rig.clock.pass(600_000);
      await rig.freshen();
      await rig.desk.onPosition({ node: "car-a" }, { ...NEAR_BY, atMs: rig.clock.nowMs() });
      const { id } = (await rig.theCase()).case;
      if (how === "by a person") await rig.desk.actOnCase(DISPATCHER, id, { act: "reopen", cause: "x" }, newKey());
      const alarmId = await raise(rig);
      await press(rig, "acknowledge");
      await press(rig, "on-scene");
      rig.clock.pass(120_000);
      await clear(rig, alarmId);
      await press(rig, "resolved");
      await quietMinutes(rig, 11);
      expect((await rig.theCase()).case).toMatchObject({ state: "verifying", waitingFor: [UNSEEN] });
    },
  );

  test("lapses when the crew is brought back, and its next fix at the site renews it once", async () => {
    const rig = await deskRig();
    const first = await raise(rig);
    await press(rig, "acknowledge");
    await atSite(rig);
    rig.clock.pass(120_000);
    await clear(rig, first);
    await press(rig, "resolved");
    rig.clock.pass(5_000);
    const second = await raise(rig);
    const leg = (await rig.theCase()).case.assignment?.id ?? "";
    await rig.desk.onDelivered(leg, "crew.a");
    expect((await rig.theCase()).case.state).toBe("on-scene");
    rig.clock.pass(120_000);
    await clear(rig, second);
    await press(rig, "resolved");
    expect((await rig.theCase()).case.waitingFor).toContain(UNSEEN);
    rig.clock.pass(5_000);
    const third = await raise(rig);
    await rig.desk.onDelivered(leg, "crew.a");
    for (let fix = 0; fix < 3; fix += 1) {
      rig.clock.pass(40_000);
      await atSite(rig);
    }
    await clear(rig, third);
    await press(rig, "resolved");
    const { case: row, timeline } = await rig.theCase();
    expect(row.waitingFor).not.toContain(UNSEEN);
    expect(timeline.filter(({ kind, channel }) => kind === "on-scene" && channel === "gps")).toHaveLength(2);
  });
});

import { describe, expect, test } from "vitest";
import type { AlarmRevision } from "../../../cloud-bridge/alarms/reduce.ts";
import { putCrew } from "../../../cloud-bridge/roster/crews.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, deskRig, NEAR_BY, newKey, SITE, SUPERVISOR, T0 } from "../../fakes/desk-rig.ts";

const LI = "2345678";
const WANG = "2345679";

interface Call {
  readonly nowMs: number;
  readonly issi: string;
  readonly alarmId?: string;
  readonly rev?: number;
  readonly raisedAtMs?: number;
  readonly position?: AlarmRevision["body"]["position"];
}

/** An emergency as a gateway with a radio tells it. */
function call({ nowMs, issi, alarmId, rev = 1, raisedAtMs = nowMs, position }: Call): AlarmRevision {
  const { body, ...place } = noiseRevision({ nowMs, device: "radio", rev, ...(alarmId && { alarmId }) });
  const { peak: _, ...rest } = body;
  return {
    ...place,
    subject: { type: "issi", id: issi },
    body: {
      ...rest,
      phase: rev === 1 || raisedAtMs === nowMs ? "raised" : "updated",
      family: "emergency",
      nature: "event",
      rule: "emergency",
      ruleKind: "emergency",
      raisedAtMs,
      limits: {},
      windows: [],
      ...(position && { position }),
    },
  };
}

async function cases(rig: Awaited<ReturnType<typeof deskRig>>) {
  return (await rig.desk.views.caseList({ limit: 50 })).items;
}

describe("a call for help", () => {
  test("of each of two handsets at the same second is a case of its own, though both stand at one place", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.receive(call({ nowMs: T0, issi: LI, position: SITE }));
    await rig.receive(call({ nowMs: T0, issi: WANG, position: SITE }));
    await rig.desk.wake();
    const found = await cases(rig);
    expect(found.map(({ family }) => family).sort()).toEqual(["emergency", "emergency", "noise"]);
    expect(
      found
        .filter(({ family }) => family === "emergency")
        .map(({ title }) => title)
        .sort(),
    ).toEqual([
      "emergency · Guanghua Road block 7 · radio · 2345678",
      "emergency · Guanghua Road block 7 · radio · 2345679",
    ]);
  });

  test("is not hidden by a case that ended at its site a moment ago: it opens its own", async () => {
    const rig = await deskRig();
    await rig.receive(call({ nowMs: T0, issi: LI }));
    await rig.desk.wake();
    const [first] = await cases(rig);
    await rig.desk.actOnCase(SUPERVISOR, first?.id ?? "", { act: "false-alarm", cause: "test call" }, newKey());
    rig.clock.pass(60_000);
    await rig.receive(call({ nowMs: rig.clock.nowMs(), issi: WANG }));
    await rig.desk.wake();
    expect((await cases(rig)).map(({ state }) => state).sort()).toEqual(["assigned", "false-alarm"]);
  });

  test("that repeats changes nothing, and one that is made anew after the case ended opens it again", async () => {
    const rig = await deskRig();
    const first = call({ nowMs: T0, issi: LI });
    const { alarmId } = first.body;
    await rig.receive(first);
    await rig.desk.wake();
    const [only] = await cases(rig);
    rig.clock.pass(30_000);
    await rig.receive(call({ nowMs: rig.clock.nowMs(), issi: LI, alarmId, rev: 2, raisedAtMs: T0 }));
    await rig.desk.wake();
    await rig.desk.actOnCase(SUPERVISOR, only?.id ?? "", { act: "false-alarm", cause: "test call" }, newKey());
    rig.clock.pass(30_000);
    await rig.receive(call({ nowMs: rig.clock.nowMs(), issi: LI, alarmId, rev: 3, raisedAtMs: T0 }));
    await rig.desk.wake();
    expect((await cases(rig)).map(({ state }) => state)).toEqual(["false-alarm"]);
    rig.clock.pass(300_000);
    await rig.receive(call({ nowMs: rig.clock.nowMs(), issi: LI, alarmId, rev: 4 }));
    await rig.desk.wake();
    const [again, ...others] = await cases(rig);
    expect(others).toEqual([]);
    expect(["open", "assigned"]).toContain(again?.state);
  });

  test("has no place until its caller is seen, never the radio's; then its case moves with him", async () => {
    const rig = await deskRig();
    const first = call({ nowMs: T0, issi: LI });
    const { alarmId } = first.body;
    await rig.receive(first);
    await rig.desk.wake();
    expect((await cases(rig))[0]).not.toHaveProperty("position");
    await rig.receive(call({ nowMs: T0 + 5000, issi: LI, alarmId, rev: 2, raisedAtMs: T0, position: NEAR_BY }));
    await rig.desk.wake();
    expect((await cases(rig))[0]?.position).toMatchObject(NEAR_BY);
  });

  test("does not send the caller's own crew to himself", async () => {
    const rig = await deskRig();
    await putCrew(rig.db, { id: "crew-a", name: "Crew A", unitId: "street", vehicleNode: "car-a", radioIssi: LI });
    await rig.receive(call({ nowMs: T0, issi: LI, position: NEAR_BY }));
    await rig.desk.wake();
    const detail = await rig.theCase();
    expect(detail.case.assignment?.crewId).toBe("crew-b");
    expect(detail.candidates.find(({ crewId }) => crewId === "crew-a")?.reasons).toContain("calls for help itself");
  });
});

test("a handset's fix at the site is its crew's arrival, by radio", async () => {
  const rig = await deskRig();
  await putCrew(rig.db, { id: "crew-a", name: "Crew A", unitId: "street", vehicleNode: "car-a", radioIssi: LI });
  await rig.receive(noiseRevision({ nowMs: T0 }));
  await rig.desk.wake();
  const leg = (await rig.theCase()).case.assignment;
  await rig.desk.actOnAssignment(CREW_A, leg?.id ?? "", { act: "acknowledge", deviceTimeMs: T0 }, newKey());
  await rig.desk.onPosition({ issi: WANG }, { ...SITE, atMs: T0 });
  expect((await rig.theCase()).case.state).toBe("acknowledged");
  await rig.desk.onPosition({ issi: LI }, { ...SITE, atMs: T0 });
  expect((await rig.theCase()).case).toMatchObject({ state: "on-scene", assignment: { onSceneBy: ["radio"] } });
});

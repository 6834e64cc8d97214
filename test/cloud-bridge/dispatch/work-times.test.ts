import { expect, test } from "vitest";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, type DeskRig, DISPATCHER, deskRig, newKey, T0 } from "../../fakes/desk-rig.ts";

const MINUTE_MS = 60_000;
const AFTER_A_MINUTE = { dispatch: { policy: "auto-after", afterSeconds: 60 } } as const;
const work = { node: "site-042", cause: "meter is exchanged", fromMs: T0 + 30_000, toMs: T0 + 5 * MINUTE_MS };

const alarmed = async (rig: DeskRig) => {
  await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
  await rig.desk.wake();
  return (await rig.theCase()).case;
};
const told = async (rig: DeskRig) => (await rig.theCase()).timeline.map(({ kind }) => kind);
/** Time goes by, and everybody is heard of. */
const lived = async (rig: DeskRig, ms: number) => {
  for (let left = ms; left > 0; left -= 30_000) {
    await rig.live(Math.min(left, 30_000));
    await rig.freshen();
  }
};

test("work that begins while a case waits holds it with its clocks, and lets it go when it ends", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  const before = await alarmed(rig);
  const { id } = await rig.desk.casework.addInhibition(DISPATCHER, work);
  await rig.live(29_000);
  expect(await told(rig)).not.toContain("inhibited");
  await rig.live(1000);
  const { case: held, timeline } = await rig.theCase();
  expect([held.state, held.isHeld, held.autoDispatchAtMs]).toEqual(["open", true, undefined]);
  const entry = { kind: "inhibited", actor: "system:timer", cause: work.cause, detail: { inhibitionId: id } };
  expect(timeline.at(-1)).toMatchObject(entry);
  await lived(rig, 4 * MINUTE_MS);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
  await lived(rig, 30_000);
  const { case: freed } = await rig.theCase();
  expect([freed.state, freed.isHeld]).toEqual(["open", undefined]);
  expect((freed.dueArriveAtMs ?? 0) - (before.dueArriveAtMs ?? 0)).toBe(work.toMs - work.fromMs);
  await lived(rig, 61_000);
  const { case: sent, timeline: all } = await rig.theCase();
  expect(sent.state).toBe("assigned");
  expect(all.map(({ kind }) => kind).filter((kind) => kind.startsWith("inhib"))).toEqual([
    "inhibited",
    "inhibition-ended",
  ]);
  expect(brokenAt(sent.id, all)).toBeUndefined();
});

test("work that has begun already holds what waits at once", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  await alarmed(rig);
  await rig.desk.casework.addInhibition(DISPATCHER, { ...work, fromMs: T0 - MINUTE_MS });
  await rig.live(1000);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
});

test("work elsewhere, and work that somebody ends before it begins, hold nothing", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  await alarmed(rig);
  await rig.desk.casework.addInhibition(DISPATCHER, { ...work, node: "site-051" });
  await rig.desk.casework.addInhibition(DISPATCHER, { ...work, device: "noise-99" });
  const { id } = await rig.desk.casework.addInhibition(DISPATCHER, work);
  await rig.desk.casework.endInhibition(DISPATCHER, id);
  await rig.live(50_000);
  expect(await told(rig)).not.toContain("inhibited");
  expect((await rig.theCase()).case.isHeld).toBeUndefined();
});

test("a case to which somebody was sent goes on; when that crew drops out nobody else is sent while the work lasts", async () => {
  const rig = await deskRig();
  const { id } = await alarmed(rig);
  await rig.desk.casework.addInhibition(DISPATCHER, work);
  await lived(rig, MINUTE_MS);
  expect((await rig.theCase()).case).toMatchObject({ state: "assigned" });
  expect(await told(rig)).not.toContain("inhibited");
  const leg = (await rig.theCase()).assignments.find(({ state }) => state !== "proposed");
  const decline = { act: "decline", deviceTimeMs: rig.clock.nowMs() } as const;
  await rig.desk.actOnAssignment(CREW_A, leg?.id ?? "", decline, newKey());
  await lived(rig, MINUTE_MS);
  expect((await rig.desk.views.caseDetail(id)).case).toMatchObject({ state: "open", isHeld: true });
});

test("a case with an alarm that the work does not hold back waits for its crew", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  await alarmed(rig);
  const other = noiseRevision({ nowMs: T0 });
  await rig.receive({ ...other, device: "noise-02" });
  await rig.desk.wake();
  expect(await told(rig)).toContain("alarm-joined");
  await rig.desk.casework.addInhibition(DISPATCHER, { ...work, device: "noise-01" });
  await rig.live(31_000);
  expect(await told(rig)).not.toContain("inhibited");
});

import { expect, test } from "vitest";
import { permitNews, timePermit } from "../../../cloud-bridge/dispatch/permit-news.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { addPermit, type NewPermit, revokePermit } from "../../../cloud-bridge/fleet/permits.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, type DeskRig, DISPATCHER, deskRig, newKey, T0 } from "../../fakes/desk-rig.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const AFTER_A_MINUTE = { dispatch: { policy: "auto-after", afterSeconds: 60 } } as const;
const BY_THE_DESK = { dispatch: { policy: "propose", afterSeconds: 0 } } as const;
const permit = { siteId: "block-7", number: "2026-CY-0118", fromMs: T0 + 30_000, toMs: T0 + 5 * MINUTE_MS };

/** As the API records one: with its timer, in one transaction. */
const granted = (rig: DeskRig, more: Partial<NewPermit> = {}) =>
  rig.db.transaction().execute(async (trx) => {
    const nowMs = rig.clock.nowMs();
    const added = await addPermit(trx, { ...permit, ...more }, "li.desk", nowMs);
    await timePermit(trx, added, nowMs);
    return added;
  });
const alarmed = async (rig: DeskRig) => {
  const alarm = noiseRevision({ nowMs: rig.clock.nowMs() });
  await rig.receive(alarm);
  await rig.desk.wake();
  return { alarmId: alarm.body.alarmId, view: (await rig.theCase()).case };
};
const said = async (rig: DeskRig) =>
  (await rig.theCase()).timeline.map(({ kind }) => kind).filter((kind) => kind.startsWith("permit"));
/** Time goes by, and everybody is heard of. */
const lived = async (rig: DeskRig, ms: number) => {
  for (let left = ms; left > 0; left -= 30_000) {
    await rig.live(Math.min(left, 30_000));
    await rig.freshen();
  }
};
/** The meter says that it is loud still, stamped a little before it arrives. */
const loud = async (rig: DeskRig, alarmId: string, rev: number, more: { permit?: string; behindMs?: number } = {}) => {
  const { behindMs = 200, ...rest } = more;
  const nowMs = rig.clock.nowMs() - behindMs;
  await rig.receive(noiseRevision({ nowMs, alarmId, rev, phase: "updated", ...rest }));
  await rig.desk.wake();
};

test("a permit that begins while a case is open holds it with its clocks, and lets it go when it ends", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  const { view: before } = await alarmed(rig);
  const { id } = await granted(rig);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", autoDispatchAtMs: T0 + MINUTE_MS });
  await rig.live(29_000);
  expect(await said(rig)).toEqual([]);
  await rig.live(1000);
  const { case: held, timeline } = await rig.theCase();
  expect([held.state, held.isHeld, held.autoDispatchAtMs]).toEqual(["open", true, undefined]);
  expect(timeline.at(-1)).toMatchObject({
    kind: "permit-held",
    actor: "system:timer",
    channel: "system",
    detail: { permit: "2026-CY-0118", permitId: id },
  });
  await lived(rig, 4 * MINUTE_MS);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
  await lived(rig, 30_000);
  const { case: freed } = await rig.theCase();
  expect([freed.state, freed.isHeld]).toEqual(["open", undefined]);
  const restedMs = permit.toMs - permit.fromMs;
  expect((freed.dueArriveAtMs ?? 0) - (before.dueArriveAtMs ?? 0)).toBe(restedMs);
  await lived(rig, 61_000);
  const { case: sent, timeline: all } = await rig.theCase();
  expect(sent.state).toBe("assigned");
  expect(await said(rig)).toEqual(["permit-held", "permit-ended"]);
  expect(all.find(({ kind }) => kind === "permit-ended")).toMatchObject({ cause: "its time is over" });
  expect(brokenAt(sent.id, all)).toBeUndefined();
});

test("a permit that is withdrawn before it begins, or while it holds, sends by the policy again", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  await alarmed(rig);
  const withdraw = async ({ id }: { id: string }) => {
    const by = { by: "wang.lead", cause: "another gate", nowMs: rig.clock.nowMs() };
    await rig.desk.permitNews(await rig.db.transaction().execute((trx) => revokePermit(trx, id, by)), "wang.lead");
  };
  await withdraw(await granted(rig));
  await rig.live(40_000);
  expect(await said(rig)).toEqual([]);
  const second = await granted(rig, { fromMs: T0 + 50_000 });
  await rig.live(10_000);
  expect(await said(rig)).toEqual(["permit-held"]);
  await withdraw(second);
  expect((await rig.theCase()).timeline.at(-1)).toMatchObject({ kind: "permit-ended", cause: "another gate" });
  await lived(rig, 61_000);
  expect((await rig.theCase()).case.state).toBe("assigned");
  await lived(rig, 5 * MINUTE_MS);
  expect(await said(rig)).toEqual(["permit-held", "permit-ended"]);
});

test("a permit of another rule or another site, or one beside an alarm that it does not cover, holds nothing when it begins", async () => {
  const rig = await deskRig({ settings: BY_THE_DESK });
  await alarmed(rig);
  const elsewhere = { id: "block-8", name: "Block 8", time_zone: "Asia/Shanghai", source: "operator" };
  await rig.db
    .insertInto("sites")
    .values({ ...elsewhere, created_at_ms: T0 })
    .execute();
  await granted(rig, { rules: ["day-noise"] });
  await granted(rig, { siteId: "block-8" });
  await rig.live(31_000);
  expect([(await rig.theCase()).case.isHeld, await said(rig)]).toEqual([undefined, []]);
});

test("what the meter stamped just before the beginning and what came after it leave the case held alike", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  const { alarmId } = await alarmed(rig);
  await granted(rig);
  await rig.live(30_000);
  await loud(rig, alarmId, 2, { behindMs: 4000 });
  await loud(rig, alarmId, 3);
  await lived(rig, 90_000);
  await loud(rig, alarmId, 4);
  expect([(await rig.theCase()).case.state, await said(rig)]).toEqual(["open", ["permit-held"]]);
  const other = await deskRig({ settings: AFTER_A_MINUTE });
  await granted(other);
  other.clock.pass(31_000);
  await other.receive(noiseRevision({ nowMs: T0 + 28_000, ageMs: 3000 }));
  await other.desk.wake();
  expect((await other.theCase()).case).toMatchObject({ state: "open", isHeld: true });
});

test("a permit that is entered late, or whose bridge was away when it began or ended, does what it would have done", async () => {
  const rig = await deskRig({ settings: BY_THE_DESK });
  await alarmed(rig);
  rig.clock.pass(2 * MINUTE_MS);
  // The bridge dies between the commit and the look at the site's cases: the timer is due.
  await granted(rig);
  await rig.makeDesk().tick();
  expect(await said(rig)).toEqual(["permit-held"]);
  rig.clock.pass(HOUR_MS);
  await Promise.all([rig.makeDesk().tick(), rig.makeDesk().tick(), rig.desk.tick()]);
  expect(await said(rig)).toEqual(["permit-held", "permit-ended"]);
  // Begun and ended while nothing ran; and one that was over before it was entered.
  await granted(rig, { fromMs: rig.clock.nowMs() + 1000, toMs: rig.clock.nowMs() + 2000 });
  await granted(rig, { fromMs: T0, toMs: T0 + 1000 });
  rig.clock.pass(MINUTE_MS);
  await rig.makeDesk().tick();
  expect([(await rig.theCase()).case.isHeld, await said(rig)]).toEqual([undefined, ["permit-held", "permit-ended"]]);
  const open = await rig.db
    .selectFrom("timers")
    .select("id")
    .where("kind", "=", "permit")
    .where("done_at_ms", "is", null)
    .execute();
  expect(open).toEqual([]);
});

test("where a crew was sent before the permit began nobody is recalled, and nobody else is sent when it drops out", async () => {
  const rig = await deskRig();
  const { view } = await alarmed(rig);
  expect(view.state).toBe("assigned");
  await granted(rig, { toMs: T0 + HOUR_MS });
  await rig.live(31_000);
  expect([(await rig.theCase()).case.state, await said(rig)]).toEqual(["assigned", ["permit-recorded"]]);
  const decline = { act: "decline", cause: "broken down", deviceTimeMs: T0 } as const;
  await rig.desk.actOnAssignment(CREW_A, view.assignment?.id ?? "", decline, newKey());
  await rig.live(10_000);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
  expect(await said(rig)).toEqual(["permit-recorded", "permit-held"]);
  const byHand = { act: "assign", crewId: "crew-b", evenIfBusy: false } as const;
  expect((await rig.desk.actOnCase(DISPATCHER, view.id, byHand, newKey())).case.state).toBe("assigned");
});

test("a late case that a live alarm under a permit makes live is held, whatever the policy", async () => {
  for (const policy of ["auto", "auto-after"] as const) {
    const rig = await deskRig({ settings: { dispatch: { policy, afterSeconds: 60 } } });
    await rig.receive(noiseRevision({ nowMs: T0 - HOUR_MS, ageMs: HOUR_MS }));
    await rig.desk.wake();
    await rig.receive(noiseRevision({ nowMs: T0, permit: "2026-118" }));
    await rig.desk.wake();
    await rig.live(120_000);
    const { case: held, assignments } = await rig.theCase();
    expect([policy, held.state, held.isHeld, held.late]).toEqual([policy, "open", true, false]);
    expect([assignments, await said(rig)]).toEqual([[], ["permit-held"]]);
  }
});

test("a suspension that ends, and an alarm that is raised again, under a permit send nobody by themselves", async () => {
  const rig = await deskRig();
  const { alarmId, view } = await alarmed(rig);
  const cause = "the site is closed until then";
  const suspend = { act: "suspend", cause, untilMs: T0 + 40_000 } as const;
  await rig.desk.actOnCase(DISPATCHER, view.id, suspend, newKey());
  await granted(rig, { toMs: T0 + HOUR_MS });
  await rig.live(41_000);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
  const nowMs = rig.clock.nowMs();
  await rig.receive(noiseRevision({ nowMs, alarmId, rev: 2, phase: "cleared" }));
  await rig.desk.wake();
  expect((await rig.theCase()).case.state).toBe("self-cleared");
  await lived(rig, 60_000);
  await loud(rig, alarmId, 3);
  expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
});

test("a permit that only the node knows holds from the word in which the node says it, until one without", async () => {
  const rig = await deskRig({ settings: AFTER_A_MINUTE });
  const { alarmId } = await alarmed(rig);
  rig.clock.pass(30_000);
  await loud(rig, alarmId, 2, { permit: "2026-118" });
  await loud(rig, alarmId, 3, { permit: "2026-118" });
  await lived(rig, 90_000);
  expect([(await rig.theCase()).case.state, await said(rig)]).toEqual(["open", ["permit-held"]]);
  await loud(rig, alarmId, 4);
  await lived(rig, 61_000);
  expect([(await rig.theCase()).case.state, await said(rig)]).toEqual(["assigned", ["permit-held", "permit-ended"]]);
});

test("news of a permit that is repeated says nothing twice", async () => {
  const rig = await deskRig({ settings: BY_THE_DESK });
  await alarmed(rig);
  const known = await granted(rig, { fromMs: T0 - 1000 });
  for (let time = 0; time < 2; time += 1) {
    await rig.desk.change((change) => permitNews(change, known, "wang.lead", rig.settings));
    await rig.desk.tick();
  }
  expect(await said(rig)).toEqual(["permit-held"]);
});

import { describe, expect, test } from "vitest";
import { applyAlarm, settleAlarms } from "../../../cloud-bridge/alarms/apply-alarm.ts";
import { FaultWatch, judgeSilence } from "../../../cloud-bridge/alarms/fault-watch.ts";
import { clearFault, raiseFault } from "../../../cloud-bridge/alarms/faults.ts";
import type { Store, Trx } from "../../../cloud-bridge/store/database.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const NOW = 1_795_000_000_000;
const inTransaction = <T>(store: Store, act: (trx: Trx) => Promise<T>) => store.db.transaction().execute(act);

test("each revision of an alarm owes the same one follow-up, and a lower one changes nothing", async () => {
  const store = await temporaryStore();
  const second = noiseRevision({ nowMs: NOW, rev: 2, phase: "cleared" });
  const first = noiseRevision({ nowMs: NOW - 1000, rev: 1, alarmId: second.body.alarmId });
  expect(await inTransaction(store, (trx) => applyAlarm(trx, second, NOW))).toBe("raised");
  expect(await inTransaction(store, (trx) => applyAlarm(trx, first, NOW))).toBe("logged");
  expect(await store.db.selectFrom("alarms").select(["rev", "phase", "late"]).execute()).toEqual([
    { rev: 2, phase: "cleared", late: 1 },
  ]);
  expect(await store.db.selectFrom("follow_up").select("pending").execute()).toEqual([{ pending: 1 }]);
});

test("an alarm that the settled session no longer knows is superseded, and reopened when it is named again", async () => {
  const store = await temporaryStore();
  const revision = noiseRevision({ nowMs: NOW });
  const { alarmId } = revision.body;
  await inTransaction(store, (trx) => applyAlarm(trx, revision, NOW));
  const heads = new Map([[revision.run, 10]]);
  expect(
    await inTransaction(store, (trx) => settleAlarms(trx, "site-042", { current: "", heads, open: new Set() }, NOW)),
  ).toBe(1);
  expect(await store.db.selectFrom("alarms").select("superseded").executeTakeFirst()).toEqual({ superseded: 1 });
  const again = { current: "", heads, open: new Set([alarmId]) };
  expect(await inTransaction(store, (trx) => settleAlarms(trx, "site-042", again, NOW))).toBe(1);
  expect(await inTransaction(store, (trx) => settleAlarms(trx, "site-042", again, NOW))).toBe(0);
  expect(await store.db.selectFrom("alarms").select("superseded").executeTakeFirst()).toEqual({ superseded: 0 });
});

test("a fault stands once, clears, and keeps its id when it comes back within ten minutes", async () => {
  const store = await temporaryStore();
  const fault = { node: "site-042", device: "noise-01", rule: "device-silent" } as const;
  for (const at of [0, 1000]) await inTransaction(store, (trx) => raiseFault(trx, fault, NOW + at));
  await inTransaction(store, (trx) => clearFault(trx, fault, NOW + 2000));
  await inTransaction(store, (trx) => clearFault(trx, fault, NOW + 2500));
  await inTransaction(store, (trx) => raiseFault(trx, fault, NOW + 3000));
  expect(await store.db.selectFrom("alarms").select(["rev", "phase"]).execute()).toEqual([{ rev: 3, phase: "raised" }]);
  await inTransaction(store, (trx) => clearFault(trx, fault, NOW + 4000));
  await inTransaction(store, (trx) => raiseFault(trx, fault, NOW + 4000 + 11 * 60_000));
  expect(await store.db.selectFrom("alarms").select("rev").execute()).toHaveLength(2);
});

test("an unplugged meter becomes a fault alarm, and its return clears it", async () => {
  const store = await temporaryStore();
  const { db } = store;
  const node = { id: "site-042", created_at_ms: 0, online: 1, state_at_ms: NOW, health_at_ms: NOW };
  await db.insertInto("nodes").values(node).execute();
  const device = { node: "site-042", device: "noise-01", driver: "modbus-noise", quantity: "LAF" };
  await db
    .insertInto("device_state")
    .values({ ...device, state: "silent", at_ms: NOW, last_reading_at_ms: NOW })
    .execute();
  const limits = { nodeMs: 120_000, deviceMs: 60_000, heartbeatMs: 200_000, readingMs: 200_000 };
  const watch = new FaultWatch(db, NOW);
  expect(await watch.look(limits, NOW + 59_000)).toBe(0);
  await db
    .updateTable("device_state")
    .set({ at_ms: NOW + 60_000 })
    .execute();
  expect(await watch.look(limits, NOW + 61_000)).toBe(1);
  expect(await watch.look(limits, NOW + 62_000)).toBe(0);
  await db
    .updateTable("device_state")
    .set({ state: "online", last_reading_at_ms: NOW + 63_000 })
    .execute();
  expect(await watch.look(limits, NOW + 64_000)).toBe(1);
  expect(await db.selectFrom("alarms").select(["rule", "phase"]).execute()).toEqual([
    { rule: "device-silent", phase: "cleared" },
  ]);
});

test("of what stands behind a listener, a station that falls silent is a fault, a handset at rest is none", async () => {
  const { db } = await temporaryStore();
  await db
    .insertInto("nodes")
    .values({ id: "centre", created_at_ms: 0, online: 1, state_at_ms: NOW, health_at_ms: NOW })
    .execute();
  const behind = { node: "centre", device: "stations", at_ms: NOW };
  await db
    .insertInto("device_state")
    .values([
      { ...behind, subject_type: "", subject_id: "", state: "online" },
      { ...behind, subject_type: "station", subject_id: "MN1", state: "silent" },
      { ...behind, subject_type: "station", subject_id: "MN2", state: "online" },
      { ...behind, subject_type: "issi", subject_id: "7001", state: "silent" },
    ])
    .execute();
  const limits = { nodeMs: 120_000, deviceMs: 60_000, heartbeatMs: 200_000, readingMs: 200_000 };
  const watch = new FaultWatch(db, NOW);
  expect(await watch.look(limits, NOW + 61_000)).toBe(1);
  expect(await watch.look(limits, NOW + 62_000)).toBe(0);
  const alarms = () => db.selectFrom("alarms").select(["device", "subject_id", "rule", "phase"]).execute();
  const fault = { device: "stations", subject_id: "MN1", rule: "device-silent" };
  expect(await alarms()).toEqual([{ ...fault, phase: "raised" }]);
  await db.updateTable("device_state").set({ state: "online" }).where("subject_id", "=", "MN1").execute();
  expect(await watch.look(limits, NOW + 63_000)).toBe(1);
  expect(await alarms()).toEqual([{ ...fault, phase: "cleared" }]);
});

describe("a parked vehicle", () => {
  const limits = { nodeMs: 1000, deviceMs: 1000, heartbeatMs: 1000, readingMs: 1000 };
  const watched = { node: "v", heartbeatAtMs: 0, stateAtMs: 0, devices: [], parked: { everyMs: 600 } };

  test("that was switched off is not silent, however long", () => {
    expect(judgeSilence({ ...watched, isOnline: false }, limits, 1e9, 0)).toEqual([]);
    const unparked = { ...watched, isOnline: false, parked: undefined };
    expect(judgeSilence(unparked, limits, 1e9, 0)).toMatchObject([{ rule: "node-silent", stands: true }]);
  });

  test("that is connected and misses three of its own beats is silent", () => {
    expect(judgeSilence({ ...watched, isOnline: true }, limits, 1700, 0)).toMatchObject([{ stands: false }]);
    expect(judgeSilence({ ...watched, isOnline: true }, limits, 1900, 0)).toMatchObject([{ stands: true }]);
  });

  test("is told from its newest health in the store", async () => {
    const { db } = await temporaryStore();
    const health = JSON.stringify({ parkedSinceMs: NOW, everyMs: 600_000 });
    const row = { created_at_ms: 0, online: 0, state_at_ms: NOW, health_at_ms: NOW };
    await db
      .insertInto("nodes")
      .values([
        { id: "parked", ...row, health },
        { id: "gone", ...row, health: "{}" },
      ])
      .execute();
    const watch = new FaultWatch(db, NOW);
    expect(await watch.look(limits, NOW + 3_600_000)).toBe(1);
    expect(await db.selectFrom("alarms").select(["node", "rule"]).execute()).toEqual([
      { node: "gone", rule: "node-silent" },
    ]);
  });
});

describe("a node that starts with its meter unplugged", () => {
  const limits = { nodeMs: 120_000, deviceMs: 60_000, heartbeatMs: 200_000, readingMs: 200_000 };
  async function rig(state: string) {
    const { db } = await temporaryStore();
    await db
      .insertInto("nodes")
      .values({ id: "site-042", created_at_ms: 0, online: 1, state_at_ms: NOW, health_at_ms: NOW })
      .execute();
    await db
      .insertInto("device_state")
      .values({ node: "site-042", device: "noise-01", driver: "modbus-noise", quantity: "LAF", state, at_ms: NOW })
      .execute();
    const says = (now: string, atMs: number) =>
      db.updateTable("device_state").set({ state: now, at_ms: atMs }).execute();
    const alarms = () => db.selectFrom("alarms").select(["rule", "phase"]).execute();
    return { watch: new FaultWatch(db, NOW), says, alarms };
  }

  test("keeps the fault that stands, whatever restarts", async () => {
    const { watch, says, alarms } = await rig("silent");
    expect(await watch.look(limits, NOW + 61_000)).toBe(1);
    for (let restart = 0; restart < 3; restart += 1) {
      const atMs = NOW + 70_000 + restart * 20_000;
      await says("starting", atMs);
      expect(await watch.look(limits, atMs + 1000)).toBe(0);
    }
    expect(await alarms()).toEqual([{ rule: "device-silent", phase: "raised" }]);
    await says("online", NOW + 130_000);
    expect(await watch.look(limits, NOW + 131_000)).toBe(1);
    expect(await alarms()).toEqual([{ rule: "device-silent", phase: "cleared" }]);
  });

  test("raises it within the same bound, though it never says more than that it starts", async () => {
    const { watch, says, alarms } = await rig("online");
    expect(await watch.look(limits, NOW + 1000)).toBe(0);
    for (const seconds of [10, 40, 65]) {
      await says("starting", NOW + seconds * 1000);
      expect(await watch.look(limits, NOW + seconds * 1000)).toBe(0);
    }
    expect(await watch.look(limits, NOW + 69_000)).toBe(0);
    expect(await watch.look(limits, NOW + 71_000)).toBe(1);
    expect(await alarms()).toEqual([{ rule: "device-silent", phase: "raised" }]);
  });
});

describe("a bridge that was away blames nobody for the time before it came back", () => {
  const limits = { nodeMs: 1000, deviceMs: 1000, heartbeatMs: 1000, readingMs: 1000 };
  const raised = [{ node: "n", rule: "node-silent", stands: true }];

  test.each([
    ["an offline node", { isOnline: false, stateAtMs: 0 }],
    ["a node whose heartbeats stopped", { isOnline: true, stateAtMs: 0 }],
  ])("%s is not judged until it was silent long enough before the bridge's own eyes", (_, state) => {
    const watched = { node: "n", heartbeatAtMs: 0, parked: undefined, devices: [], ...state };
    expect(judgeSilence(watched, limits, NOW, NOW - 900)).toEqual([]);
    expect(judgeSilence(watched, limits, NOW, NOW - 1100)).toEqual(raised);
  });

  test("nothing new is raised, and nothing that stands is cleared before something speaks", async () => {
    const { db } = await temporaryStore();
    const away = { created_at_ms: 0, state_at_ms: NOW, health_at_ms: NOW };
    const meter = { device: "noise-01", driver: "modbus-noise", quantity: "LAF", state: "online", at_ms: NOW };
    await db
      .insertInto("nodes")
      .values([
        { id: "dead", ...away, online: 0 },
        { id: "dumb", ...away, online: 1 },
      ])
      .execute();
    await db
      .insertInto("device_state")
      .values({ node: "dumb", ...meter, last_reading_at_ms: NOW })
      .execute();
    const at = { spoke: NOW + 900, silent: NOW + 1100, restart: NOW + 60_000 };
    const standing = async () =>
      (await db.selectFrom("alarms").select(["node", "rule"]).where("phase", "<>", "cleared").execute())
        .map(({ node, rule }) => `${node} ${rule}`)
        .sort();
    const speaks = (health_at_ms: number) =>
      db.updateTable("nodes").set({ health_at_ms }).where("id", "=", "dumb").execute();
    const before = new FaultWatch(db, NOW);
    await speaks(at.spoke);
    await before.look(limits, at.silent);
    const faults = ["dead node-silent", "dumb device-silent"];
    expect(await standing()).toEqual(faults);

    const after = new FaultWatch(db, at.restart);
    await speaks(at.restart);
    expect(await after.look(limits, at.restart + 100)).toBe(0);
    // The broker tells the retained `state` anew: that is not the node's voice.
    await db
      .updateTable("nodes")
      .set({ state_at_ms: at.restart + 100 })
      .where("id", "=", "dead")
      .execute();
    expect(await after.look(limits, at.restart + 200)).toBe(0);
    expect(await standing()).toEqual(faults);

    await db
      .updateTable("nodes")
      .set({ online: 1, state_at_ms: at.restart + 300 })
      .where("id", "=", "dead")
      .execute();
    await db
      .updateTable("device_state")
      .set({ last_reading_at_ms: at.restart + 300 })
      .execute();
    expect(await after.look(limits, at.restart + 400)).toBe(2);
    expect(await standing()).toEqual([]);
  });
});

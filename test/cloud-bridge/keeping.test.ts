import { describe, expect, test } from "vitest";
import { Keeping } from "../../cloud-bridge/keeping.ts";
import type { Db } from "../../cloud-bridge/store/database.ts";
import { openInboxDays } from "../../cloud-bridge/store/inbox-days.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { judgeRoom } from "../../cloud-bridge/store/room.ts";
import { temporaryStore } from "../fakes/bridge-store.ts";

const GIB = 1024 ** 3;
const DAY_MS = 24 * 3600_000;
const T0 = 20_420 * DAY_MS + 3600_000;

async function rig() {
  const store = await temporaryStore();
  const { db, state } = store;
  const now = { freeBytes: 100 * GIB, isElected: true, alarms: 0, atMs: T0 };
  const keeping = new Keeping({
    ...{ db, state, log: silentLogger },
    writer: () => (now.isElected ? db : undefined),
    clock: { nowMs: () => now.atMs, upMs: () => 0 },
    terms: {
      days: { levels: 10, positions: 10, health: 10, records: 10 },
      caseDays: 60,
      quarantineDays: 10,
      hoursDays: 10,
    },
    limits: { budgetBytes: undefined, minFreeBytes: 2 * GIB, isDatabaseHere: true },
    onAlarms: () => (now.alarms += 1),
    disk: async () => ({ diskFreeBytes: now.freeBytes, diskBytes: 500 * GIB }),
  });
  const faults = () => db.selectFrom("alarms").select(["node", "rule", "phase", "rev"]).execute();
  return { db, now, keeping, faults };
}

async function putLevels(db: Db): Promise<void> {
  for (let age = 0; age < 5; age += 1) {
    const receivedAtMs = T0 - age * DAY_MS;
    await openInboxDays(db, receivedAtMs);
    await db
      .insertInto("inbox")
      .values({
        ...{ node: "site-1", run: "r", seq: age + 1, received_at_ms: receivedAtMs, kind: "noise", device: "noise-01" },
        ...{ subject_type: null, subject_id: null, up_ms: 0, at_ms: receivedAtMs, corrected_at_ms: null },
        ...{ time_quality: "ntp", sha256: "h", bytes: new Uint8Array(10) },
      })
      .execute();
  }
}

describe("the bridge's room", () => {
  test("is a fault of the bridge itself before it is full, told once, and over when there is room again", async () => {
    const { now, keeping, faults } = await rig();
    await keeping.look();
    expect(await faults()).toEqual([]);
    now.freeBytes = 3 * GIB;
    await keeping.look();
    await keeping.look();
    expect(await faults()).toEqual([{ node: "@bridge", rule: "room-short", phase: "raised", rev: 1 }]);
    expect(now.alarms).toBe(1);
    now.freeBytes = 4.5 * GIB;
    await keeping.look();
    expect(await faults()).toMatchObject([{ phase: "raised" }]);
    now.freeBytes = 6 * GIB;
    await keeping.look();
    expect(await faults()).toEqual([{ node: "@bridge", rule: "room-short", phase: "cleared", rev: 2 }]);
  });

  test("is told by the elected writer alone, who alone drops", async () => {
    const { db, now, keeping, faults } = await rig();
    await putLevels(db);
    now.isElected = false;
    now.freeBytes = 1;
    now.atMs = T0 + 30 * DAY_MS;
    await keeping.look();
    await keeping.keep();
    expect(await faults()).toEqual([]);
    expect(await db.selectFrom("inbox").select("seq").execute()).toHaveLength(5);
    expect(keeping.facts).toMatchObject({ diskFreeBytes: 1, isShort: true });
  });

  test("drops the oldest levels where the disk is full, down to the last two days, and counts them", async () => {
    const { db, now, keeping } = await rig();
    await putLevels(db);
    now.freeBytes = 1;
    await keeping.keep();
    expect(await db.selectFrom("inbox").select("seq").orderBy("seq").execute()).toEqual([{ seq: 1 }, { seq: 2 }]);
    expect(keeping.dropped.get("room levels")).toBe(3);
    expect(keeping.dropped.get("term levels")).toBe(0);
  });

  test("counts database and evidence against the budget, and what lies elsewhere not against this disk", () => {
    const room = {
      databaseBytes: 6 * GIB,
      evidenceBytes: 5 * GIB,
      spareBytes: 0,
      diskFreeBytes: 50 * GIB,
      diskBytes: 500 * GIB,
    };
    const limits = { budgetBytes: 10 * GIB, minFreeBytes: 2 * GIB, isDatabaseHere: true };
    expect(judgeRoom(room, limits)).toEqual({ isShort: true, near: "budget > 90 %", isWell: false });
    expect(judgeRoom({ ...room, evidenceBytes: 3.5 * GIB }, limits)).toMatchObject({
      isShort: false,
      near: "budget > 90 %",
    });
    expect(judgeRoom({ ...room, evidenceBytes: 0 }, limits)).toEqual({ isShort: false, near: undefined, isWell: true });
    const full = { ...room, diskFreeBytes: GIB };
    const unlimited = { ...limits, budgetBytes: undefined };
    expect(judgeRoom(full, unlimited).isShort).toBe(true);
    // What SQLite has dropped is room for it, although the disk does not know.
    expect(judgeRoom({ ...full, spareBytes: 2 * GIB }, unlimited).isShort).toBe(false);
    expect(judgeRoom(full, { ...unlimited, isDatabaseHere: false })).toMatchObject({
      isShort: false,
      near: "disk < 4.0 GiB",
    });
    // A small disk may be fuller.
    expect(judgeRoom({ ...full, diskBytes: 10 * GIB }, unlimited).isShort).toBe(false);
    expect(judgeRoom({ ...full, diskFreeBytes: undefined }, unlimited)).toMatchObject({ isShort: false, isWell: true });
  });
});

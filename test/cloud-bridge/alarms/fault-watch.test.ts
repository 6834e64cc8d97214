import process from "node:process";
import { expect, test } from "vitest";
import { seededRandom } from "../../../cli/sim/seeded-random.ts";
import { FaultWatch, judgeSilence, type SilenceLimits } from "../../../cloud-bridge/alarms/fault-watch.ts";
import type { Db } from "../../../cloud-bridge/store/database.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const NOW = 1_763_500_000_000;
const LIMITS: SilenceLimits = { nodeMs: 120_000, deviceMs: 60_000, heartbeatMs: 200_000, readingMs: 200_000 };
const NODES = 40;
const LOOKS = 12;
const STATES = ["starting", "online", "online", "silent", "offline", "stopped", "parked"];

/** By the rule itself, over every node and device: what the watch must come to though it asks the store for a few. */
async function judgedOverAll(db: Db, nowMs: number, downSinceMs: Map<string, number>): Promise<Set<string>> {
  const downBefore = new Map(downSinceMs);
  // Of a node that is revoked, or never connected, nothing is remembered.
  downSinceMs.clear();
  const stands = new Set<string>();
  const standing = await db.selectFrom("alarms").selectAll().where("phase", "<>", "cleared").execute();
  for (const { node, device, rule } of standing) stands.add(`${node} ${device} ${rule}`);
  for (const row of await db.selectFrom("nodes").selectAll().where("state_at_ms", "is not", null).execute()) {
    if (row.revoked_at_ms !== null) continue;
    const devices = await db.selectFrom("device_state").selectAll().where("node", "=", row.id).execute();
    const watched = {
      node: row.id,
      isOnline: row.online === 1,
      stateAtMs: row.state_at_ms ?? 0,
      heartbeatAtMs: row.health_at_ms ?? undefined,
      parked: undefined,
      devices: devices.map(({ device, state, at_ms, quantity, last_reading_at_ms }) => {
        const key = `${row.id} ${device}`;
        const isDown = ["silent", "offline", "starting"].includes(state);
        if (isDown) downSinceMs.set(key, downBefore.get(key) ?? Math.min(at_ms, nowMs));
        const lastReadingAtMs = quantity === null ? undefined : (last_reading_at_ms ?? undefined);
        return { device, state, downSinceMs: downSinceMs.get(key), lastReadingAtMs };
      }),
    };
    for (const { node, device = "", rule, stands: does } of judgeSilence(watched, LIMITS, nowMs, NOW)) {
      if (does) stands.add(`${node} ${device} ${rule}`);
      else stands.delete(`${node} ${device} ${rule}`);
    }
  }
  return stands;
}

test("of a random fleet, what stands after each look is what the rule says over every node and device", async () => {
  const seed = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const ago = (nowMs: number) => Math.round(nowMs - random() ** 2 * 600_000);
  const { db } = await temporaryStore();
  const watch = new FaultWatch(db, NOW);
  const downSinceMs = new Map<string, number>();
  for (let n = 0; n < NODES; n += 1) {
    await db
      .insertInto("nodes")
      .values({ id: `n-${n}`, created_at_ms: 0 })
      .execute();
    for (const device of ["noise", "gps"]) {
      const quantity = device === "noise" ? "LAF" : null;
      const row = { node: `n-${n}`, device, driver: "any", quantity, state: "online", at_ms: NOW };
      await db.insertInto("device_state").values(row).execute();
    }
  }
  let changes = 0;
  for (let look = 1; look <= LOOKS; look += 1) {
    const nowMs = NOW + look * 90_000;
    for (let n = 0; n < NODES; n += 1) {
      if (random() < 0.5) continue;
      await db
        .updateTable("nodes")
        .set({
          online: pick([0, 1, 1]),
          state_at_ms: pick([null, ago(nowMs), ago(nowMs)]),
          health_at_ms: pick([null, ago(nowMs), ago(nowMs)]),
          revoked_at_ms: pick([null, null, null, null, nowMs]),
        })
        .where("id", "=", `n-${n}`)
        .execute();
      await db
        .updateTable("device_state")
        .set({ state: pick(STATES), at_ms: ago(nowMs), last_reading_at_ms: pick([null, ago(nowMs), ago(nowMs)]) })
        .where("node", "=", `n-${n}`)
        .execute();
    }
    const expected = await judgedOverAll(db, nowMs, downSinceMs);
    changes += await watch.look(LIMITS, nowMs);
    const standing = await db.selectFrom("alarms").selectAll().where("phase", "<>", "cleared").execute();
    expect(standing.map(({ node, device, rule }) => `${node} ${device} ${rule}`).sort(), `seed ${seed}`).toEqual(
      [...expected].sort(),
    );
  }
  process.stderr.write(`fault watch: seed ${seed}, ${changes} changes\n`);
  expect(changes).toBeGreaterThan(NODES);
});

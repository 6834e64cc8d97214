import { expect, test } from "vitest";
import { accountingOf } from "../../cloud-bridge/fleet/accounting.ts";
import { sha256Of } from "../../protocol/envelope.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import { BridgeBench, T0 } from "../cloud-bridge/ingest/bridge-bench.ts";
import { Chance } from "./chance.ts";
import { ModelNode } from "./model-node.ts";

interface Due {
  readonly atMs: number;
  readonly act: () => void;
}

/** The model's node and link before the real ingest and a real SQLite file: what the model's bridge cannot vouch for. */
class RealWorld {
  readonly chance: Chance;
  readonly #bridge: BridgeBench;
  readonly node: ModelNode;
  #queue: Due[] = [];
  #nowMs = T0;
  dropped = 0;

  constructor(bridge: BridgeBench, seed: number) {
    this.#bridge = bridge;
    this.chance = new Chance(seed);
    this.node = new ModelNode(
      {
        chance: this.chance,
        nowMs: () => this.#nowMs,
        after: (delayMs, act) => this.#after(delayMs, act),
        up: (bytes) => this.#carry(() => void bridge.ingest.onUp("site-1", bytes)),
        puback: (act) => this.#carry(act),
        state: (session, online) =>
          this.#after(5, () => {
            void bridge.ingest.onState("site-1", Buffer.from(JSON.stringify({ v: 1, online, session, version: "1" })));
          }),
        marked: () => undefined,
      },
      undefined,
    );
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#queue.shift();
      this.#nowMs = next.atMs;
      this.#bridge.clock.atMs = next.atMs;
      next.act();
      await this.#bridge.ingest.idle();
      for (const { message } of this.#bridge.answers.splice(0)) this.#carry(() => this.#hear(message));
    }
    this.#nowMs = endMs;
  }

  #hear(message: ReceiptMessage): void {
    this.node.message(message);
  }

  #carry(act: () => void): void {
    if (this.chance.is(this.dropped)) return;
    this.#after(1 + this.chance.below(40), act);
    if (this.chance.is(this.dropped / 2)) this.#after(1 + this.chance.below(3_000), act);
  }

  #after(delayMs: number, act: () => void): void {
    const atMs = this.#nowMs + Math.max(0, Math.round(delayMs));
    const index = this.#queue.findIndex((due) => due.atMs > atMs);
    this.#queue.splice(index < 0 ? this.#queue.length : index, 0, { atMs, act });
  }
}

test("the real ingest over a real file accounts for every row of the model's node", { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    await using bridge = await BridgeBench.open();
    const world = new RealWorld(bridge, seed);
    const { node, chance } = world;
    node.boot();
    node.connect();
    for (let step = 0; step < 25; step += 1) {
      const acts = [
        () => node.record(1 + chance.below(8)),
        () => node.raise(chance.below(3)),
        () => node.revise(chance.is(0.5) ? "updated" : "cleared"),
        () => node.crash(),
        () => node.disconnect(),
        () => node.giveUp(2),
        () => node.spoil(chance.is(0.5)),
        () => {
          world.dropped = chance.is(0.5) ? 0.2 : 0;
        },
        () => {
          void bridge.store.db.updateTable("meta").set({ value: chance.id() }).where("key", "=", "epoch").execute();
        },
      ];
      chance.pick(acts)?.();
      await world.pass(chance.below(8_000));
      node.boot();
      node.connect();
    }
    world.dropped = 0;
    await world.pass(125_000);
    for (let turn = 0; turn < 200 && !node.isIdle; turn += 1) await world.pass(7_000);

    expect((await accountingOf(bridge.store.db, "site-1")).total, `seed ${seed}`).toMatchObject({
      outstanding: 0,
      unexplained: 0,
    });
    const stored = await bridge.store.db.selectFrom("inbox").select(["run", "seq", "sha256"]).execute();
    const hashes = new Map(stored.map(({ run, seq, sha256 }) => [`${run} ${seq}`, sha256]));
    for (const { run, seq, bytes, isSpoiled } of node.card.everCommitted) {
      const isHeld = node.card.runs.some((known) => known.run === run && known.rows.has(seq));
      if (isHeld && !isSpoiled) expect(hashes.get(`${run} ${seq}`), `seed ${seed}`).toBe(sha256Of(bytes));
    }
    const alarms = await bridge.store.db.selectFrom("alarms").selectAll().where("family", "=", "noise").execute();
    const due = new Set(
      node.card.everCommitted.flatMap(({ record }) => (record.kind === "alarm" ? [record.body.alarmId] : [])),
    );
    expect(new Set(alarms.map(({ alarm_id }) => alarm_id)), `seed ${seed}`).toEqual(due);
    for (const { alarm_id, phase, superseded } of alarms) {
      const isOpen = phase !== "cleared" && superseded === 0;
      expect(isOpen, `seed ${seed}`).toBe(node.card.openAlarms.has(alarm_id));
    }
    const followUps = await bridge.store.db.selectFrom("follow_up").select("alarm_id").execute();
    expect(new Set(followUps.map(({ alarm_id }) => alarm_id)).size).toBe(followUps.length);
  }
});

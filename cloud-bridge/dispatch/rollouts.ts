import { randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import { checkConfig, patched } from "../fleet/config-document.ts";
import { audit } from "../roster/audit.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Logger } from "../store/logger.ts";
import { changing } from "../store/transactions.ts";
import type { RolloutsTable } from "../store/twin-tables.ts";
import { factsOf } from "./command-rows.ts";
import type { ConfigDesk } from "./config-desk.ts";
import type { NodeCommands } from "./node-commands.ts";

const FOR_MS = 24 * 3600_000;

/** `next`: its turn has not come · `away`: it is sent as soon as the node is there. */
export type RolloutNodeState =
  | "next"
  | "away"
  | "trying"
  | "applied"
  | "reverted"
  | "refused"
  | "expired"
  | "cancelled";

export interface RolloutOrder {
  readonly nodes: readonly string[];
  /** JSON merge patch, laid over what each node is to have, else over what it has. */
  readonly patch: unknown;
  /** So many of a hundred at a time. */
  readonly sharePct: number;
  /** No further ones when more of a hundred of those that began were reverted, refused or never answered. */
  readonly stopAbovePct: number;
  readonly holdS: number;
  readonly by: string;
  readonly address?: string;
}

export interface RolloutFacts {
  readonly id: string;
  readonly state: "running" | "stopped" | "done";
  readonly reason?: string;
  readonly patch: unknown;
  readonly sharePct: number;
  readonly stopAbovePct: number;
  readonly holdS: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly endedAtMs?: number;
  readonly nodes: { readonly node: string; readonly state: RolloutNodeState; readonly reason?: string }[];
}

type Row = Selectable<RolloutsTable>;
type NodeFacts = RolloutFacts["nodes"][number] & { readonly commandId?: string };
const FAILED: readonly RolloutNodeState[] = ["reverted", "refused", "expired"];

export interface RolloutsOptions {
  readonly db: Db;
  readonly clock: BridgeClock;
  readonly desk: ConfigDesk;
  readonly commands: NodeCommands;
  readonly log: Logger;
}

/** The same change for several nodes, some at a time, and no further when too many take it back. */
export class Rollouts {
  readonly #options: RolloutsOptions;

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  /** The next `tick` begins with it. @throws BridgeError CONFIG_UNKNOWN, CONFIG_FAULTS naming the node for which it cannot be said */
  async begin({ nodes, patch, sharePct, stopAbovePct, holdS, by, address }: RolloutOrder): Promise<RolloutFacts> {
    const { db, clock } = this.#options;
    const nowMs = clock.nowMs();
    for (const node of nodes) await this.#documentFor(db, node, patch);
    const id = randomUUID();
    await changing(db, async (trx) => {
      const settings = { share_pct: sharePct, stop_above_pct: stopAbovePct, hold_s: holdS };
      const facts = { reason: null, created_by: by, created_at_ms: nowMs, ended_at_ms: null };
      await trx
        .insertInto("rollouts")
        .values({ id, patch: JSON.stringify(patch), state: "running", ...settings, ...facts })
        .execute();
      const rows = nodes.map((node, place) => ({ rollout: id, node, place, revision: null }));
      await trx.insertInto("rollout_nodes").values(rows).execute();
      const from = address === undefined ? {} : { address };
      const detail = { nodes: nodes.length, sharePct, stopAbovePct };
      await audit(trx, { actor: by, action: "rollout.begin", target: id, ...from, detail }, nowMs);
    });
    return this.find(id);
  }

  /** @throws BridgeError ROLLOUT_UNKNOWN */
  async find(id: string): Promise<RolloutFacts> {
    const row = await this.#options.db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirst();
    if (row !== undefined) return this.#facts(row);
    throw new BridgeError("ROLLOUT_UNKNOWN", `there is no rollout ${id}`, {
      status: 404,
      hint: "GET /api/v1/rollouts lists them.",
    });
  }

  async list(): Promise<RolloutFacts[]> {
    const rows = await this.#options.db.selectFrom("rollouts").selectAll().orderBy("created_at_ms", "desc").execute();
    return Promise.all(rows.map((row) => this.#facts(row)));
  }

  /** Nothing further is sent; what is being tried goes on, and what waits for its node is taken back. */
  async stop(id: string, by: string, address?: string): Promise<RolloutFacts> {
    const { db, clock } = this.#options;
    const found = await this.find(id);
    if (found.state === "running") {
      await this.#end(id, "stopped", `by ${by}`);
      const from = address === undefined ? {} : { address };
      await audit(db, { actor: by, action: "rollout.stop", target: id, ...from }, clock.nowMs());
    }
    return this.find(id);
  }

  /** To be called every few seconds by the elected writer. */
  async tick(): Promise<void> {
    const { db, log } = this.#options;
    const rows = await db.selectFrom("rollouts").selectAll().where("state", "=", "running").execute();
    for (const row of rows) {
      try {
        await this.#go(row);
      } catch (error) {
        log.warn({ rollout: row.id, error: String(error) }, "rollout stopped at a node that cannot have it");
        await this.#end(row.id, "stopped", error instanceof Error ? error.message : String(error));
      }
    }
  }

  async #go(row: Row): Promise<void> {
    const nodes = await this.#nodesOf(row.id);
    const begun = nodes.filter(({ state }) => state !== "next");
    const failed = begun.filter(({ state }) => FAILED.includes(state));
    if (failed.length * 100 > row.stop_above_pct * begun.length) {
      const reason = `${failed.length} of ${begun.length} did not keep it`;
      return this.#end(row.id, "stopped", reason);
    }
    if (begun.some(({ state }) => state === "trying")) return;
    const next = nodes.filter(({ state }) => state === "next");
    if (next.length === 0) {
      if (begun.every(({ state }) => state !== "away")) await this.#end(row.id, "done");
      return;
    }
    const atOnce = Math.max(1, Math.ceil((nodes.length * row.share_pct) / 100));
    for (const { node } of next.slice(0, atOnce)) await this.#give(row, node);
  }

  async #give(row: Row, node: string): Promise<void> {
    const { db, desk, commands } = this.#options;
    const document = await this.#documentFor(db, node, JSON.parse(row.patch));
    const { revision } = await desk.put(node, { document, note: `rollout ${row.id}` }, { by: row.created_by });
    const id = await changing(db, async (trx) => {
      const order = { by: row.created_by, forMs: FOR_MS, holdS: row.hold_s };
      const kept = await desk.keepApply(trx, node, order);
      await trx
        .updateTable("rollout_nodes")
        .set({ revision: (await desk.desired(node, undefined, trx)).revision ?? revision })
        .where("rollout", "=", row.id)
        .where("node", "=", node)
        .execute();
      return kept;
    });
    if (id !== undefined) await commands.deliver(node, id);
  }

  async #documentFor(db: Db | Trx, node: string, patch: unknown): Promise<string> {
    const { desk } = this.#options;
    const wanted = await desk.desired(node, undefined, db).catch(() => undefined);
    const base = wanted ?? (await desk.inForce(node, db));
    const document = patched(base.document, patch);
    const [fault] = checkConfig(document, node).faults;
    if (fault === undefined) return document;
    throw new BridgeError("CONFIG_FAULTS", `${node}, line ${fault.at.line}: ${fault.message}`, {
      status: 422,
      hint: `Expected: ${fault.expected}.`,
    });
  }

  async #end(id: string, state: "stopped" | "done", reason?: string): Promise<void> {
    const { db, clock, log } = this.#options;
    const nowMs = clock.nowMs();
    await changing(db, async (trx) => {
      const values = { state, reason: reason ?? null, ended_at_ms: nowMs };
      await trx.updateTable("rollouts").set(values).where("id", "=", id).where("state", "=", "running").execute();
      if (state === "done") return;
      const unsent = (await this.#nodesOf(id, trx)).flatMap(({ commandId }) => commandId ?? []);
      if (unsent.length === 0) return;
      await trx
        .updateTable("commands")
        .set({ cancelled_at_ms: nowMs, cancelled_by: "system:rollout" })
        .where("id", "in", unsent)
        .where("sent_at_ms", "is", null)
        .where("answered_at_ms", "is", null)
        .execute();
    });
    log.info({ rollout: id, state, ...(reason === undefined ? {} : { reason }) }, "rollout ended");
  }

  async #facts(row: Row): Promise<RolloutFacts> {
    const nodes = await this.#nodesOf(row.id);
    return {
      id: row.id,
      state: row.state as RolloutFacts["state"],
      ...(row.reason === null ? {} : { reason: row.reason }),
      patch: JSON.parse(row.patch) as unknown,
      sharePct: row.share_pct,
      stopAbovePct: row.stop_above_pct,
      holdS: row.hold_s,
      createdBy: row.created_by,
      createdAtMs: row.created_at_ms,
      ...(row.ended_at_ms === null ? {} : { endedAtMs: row.ended_at_ms }),
      nodes: nodes.map(({ commandId: _, ...facts }) => facts),
    };
  }

  async #nodesOf(id: string, db: Db | Trx = this.#options.db): Promise<NodeFacts[]> {
    const nowMs = this.#options.clock.nowMs();
    const rows = await db
      .selectFrom("rollout_nodes as r")
      .leftJoin("node_configs as c", (join) =>
        join.onRef("c.node", "=", "r.node").onRef("c.revision", "=", "r.revision"),
      )
      .select(["r.node", "r.revision", "c.command_id"])
      .where("r.rollout", "=", id)
      .orderBy("r.place")
      .execute();
    const ids = rows.flatMap(({ command_id }) => command_id ?? []);
    const sent = ids.length === 0 ? [] : await db.selectFrom("commands").selectAll().where("id", "in", ids).execute();
    const commands = new Map(sent.map((row) => [row.id, factsOf(row, nowMs)]));
    return rows.map(({ node, revision, command_id }) => {
      if (revision === null) return { node, state: "next" };
      const command = commands.get(command_id ?? "");
      // It had it already.
      if (command === undefined) return { node, state: "applied" };
      const { id: commandId, state, result } = command;
      const under = { cancelling: "trying", cancelled: "cancelled" } as const;
      const states = { waiting: "away", sent: "trying", done: "applied", expired: "expired", ...under } as const;
      const isReverted = result?.code === "CONFIG_REVERTED";
      const own = state === "refused" ? (isReverted ? ("reverted" as const) : ("refused" as const)) : states[state];
      const isTold = state === "refused" && result?.message !== undefined;
      return { node, commandId, state: own, ...(isTold ? { reason: result.message } : {}) };
    });
  }
}

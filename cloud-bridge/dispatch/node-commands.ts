import { randomUUID } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { COMMAND_VERSION, type Command, type CommandKind } from "../../protocol/session.ts";
import type { Authority } from "../fleet/authority.ts";
import { audit } from "../roster/audit.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Logger } from "../store/logger.ts";
import { changing } from "../store/transactions.ts";
import { type CommandFacts, findCommand, keepCommand } from "./command-rows.ts";

/** A node that is there and has not answered is asked again after so long; its id makes that one act. */
const AGAIN_MS = 30_000;
const AT_ONCE = 100;

export interface NodeCommandsOptions {
  readonly db: Db;
  readonly clock: BridgeClock;
  readonly authority: Pick<Authority, "signCommand">;
  /** To the node's `down`. @returns whether it was there */
  readonly send: (node: string, bytes: Uint8Array) => Promise<boolean>;
  readonly log: Logger;
}

export interface CommandOrder {
  readonly node: string;
  readonly kind: CommandKind;
  readonly args: Readonly<Record<string, unknown>>;
  /** Account or `system:<part>`. */
  readonly by: string;
  readonly forMs: number;
  /** Of one that may be ordered twice and is meant once; else drawn. */
  readonly id?: string;
}

/**
 * What nodes are asked to do: signed, kept in the database until the node's answer or the end of its time, and sent when
 * the node is there: at once, on its hello, and now and then while it does not answer.
 */
export class NodeCommands {
  readonly #options: NodeCommandsOptions;

  constructor(options: NodeCommandsOptions) {
    this.#options = options;
  }

  /**
   * Keeps and sends it.
   * @throws BridgeError IDEMPOTENCY_KEY_REUSED when another command has this id
   */
  async order(order: CommandOrder, address?: string): Promise<CommandFacts> {
    const { db, clock } = this.#options;
    const id = await changing(db, (trx) => this.keep(trx, order, address));
    await this.deliver(order.node, id);
    return findCommand(db, order.node, id, clock.nowMs());
  }

  /** Signs and keeps it within somebody's transaction; `deliver` it after the commit. @returns its id */
  async keep(trx: Trx, order: CommandOrder, address?: string): Promise<string> {
    const { authority, clock } = this.#options;
    const { node, kind, by, forMs } = order;
    const nowMs = clock.nowMs();
    const id = order.id ?? randomUUID();
    const command = authority.signCommand({
      ...{ v: COMMAND_VERSION, id, node, kind, args: { ...order.args } },
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + forMs,
    });
    if (!(await keepCommand(trx, command, node, by))) {
      await this.#demandSame(trx, id, order);
      return id;
    }
    if (kind === "assignment") return id;
    const { document: _, ...args } = order.args;
    const detail = { command: id, kind, args, expiresAtMs: command.expiresAtMs };
    const from = address === undefined ? {} : { address };
    await audit(trx, { actor: by, action: `command.${kind}`, target: node, ...from, detail }, nowMs);
    return id;
  }

  /**
   * Takes back what the node has not answered. What never left is not sent any more; of what did, the node is asked by a
   * signed command of its own, and says whether it came in time.
   * @throws BridgeError COMMAND_UNKNOWN; COMMAND_OVER when it is answered, or its time is over
   */
  async cancel(node: string, id: string, by: string, address?: string): Promise<CommandFacts> {
    const { db, clock } = this.#options;
    const nowMs = clock.nowMs();
    const asked = await changing(db, async (trx) => {
      const { state, kind, expiresAtMs } = await findCommand(trx, node, id, nowMs);
      if (state === "cancelled" || state === "cancelling") return undefined;
      if (state !== "waiting" && state !== "sent") {
        throw new BridgeError("COMMAND_OVER", `this command is ${state}`, {
          status: 409,
          hint: "Only what the node has not answered can be taken back; order the opposite instead.",
        });
      }
      const values = { cancelled_at_ms: nowMs, cancelled_by: by };
      await trx.updateTable("commands").set(values).where("id", "=", id).where("node", "=", node).execute();
      if (state === "sent") {
        const args = { command: id, kind };
        return this.keep(trx, { node, kind: "cancel", args, by, forMs: expiresAtMs - nowMs, id: `x-${id}` }, address);
      }
      const from = address === undefined ? {} : { address };
      await audit(trx, { actor: by, action: "command.cancel", target: node, ...from, detail: { command: id } }, nowMs);
      return undefined;
    });
    if (asked !== undefined) await this.deliver(node, asked);
    return findCommand(db, node, id, clock.nowMs());
  }

  /** Sends one that is kept. @returns whether the node was there */
  async deliver(node: string, id: string): Promise<boolean> {
    const { db, clock } = this.#options;
    const row = await db
      .selectFrom("commands")
      .select("body")
      .where("id", "=", id)
      .where("node", "=", node)
      .where("answered_at_ms", "is", null)
      .where("cancelled_at_ms", "is", null)
      .where("expires_at_ms", ">=", clock.nowMs())
      .executeTakeFirst();
    return row !== undefined && this.#send(node, id, row.body);
  }

  /** The node is there (again): everything that it has not answered, in the order in which it was ordered. */
  async resend(node: string): Promise<void> {
    const { db, clock, log } = this.#options;
    const rows = await db
      .selectFrom("commands")
      .select(["id", "body"])
      .where("node", "=", node)
      .where("answered_at_ms", "is", null)
      .where("cancelled_at_ms", "is", null)
      .where("expires_at_ms", ">=", clock.nowMs())
      .orderBy("issued_at_ms")
      .orderBy("id")
      .limit(AT_ONCE)
      .execute();
    for (const { id, body } of rows) if (!(await this.#send(node, id, body))) return;
    if (rows.length > 0) log.info({ node, commands: rows.length }, "commands that waited for the node were sent");
  }

  /** To be called every few seconds: what was ordered and not sent, or sent and not heard of. */
  async tick(): Promise<void> {
    const { db, clock } = this.#options;
    const nowMs = clock.nowMs();
    const rows = await db
      .selectFrom("commands")
      .innerJoin("nodes", "nodes.id", "commands.node")
      .select(["commands.node", "commands.id", "commands.body"])
      .where("nodes.online", "=", 1)
      .where("commands.answered_at_ms", "is", null)
      .where("commands.cancelled_at_ms", "is", null)
      .where("commands.expires_at_ms", ">=", nowMs)
      .where(({ eb, or }) =>
        or([eb("commands.sent_at_ms", "is", null), eb("commands.sent_at_ms", "<", nowMs - AGAIN_MS)]),
      )
      .orderBy("commands.issued_at_ms")
      .orderBy("commands.id")
      .limit(AT_ONCE)
      .execute();
    for (const { node, id, body } of rows) await this.#send(node, id, body);
  }

  async #send(node: string, id: string, body: string): Promise<boolean> {
    const { db, clock, send } = this.#options;
    if (!(await send(node, Buffer.from(body)))) return false;
    await db.updateTable("commands").set({ sent_at_ms: clock.nowMs() }).where("id", "=", id).execute();
    return true;
  }

  async #demandSame(trx: Trx, id: string, { node, kind, args }: CommandOrder): Promise<void> {
    const row = await trx.selectFrom("commands").select(["node", "body"]).where("id", "=", id).executeTakeFirst();
    const known = row === undefined ? undefined : (JSON.parse(row.body) as Pick<Command, "kind" | "args">);
    const isSame =
      row?.node === node && known?.kind === kind && canonicalJson(known.args) === canonicalJson({ ...args });
    if (isSame) return;
    throw new BridgeError("IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key came with another request before", {
      status: 422,
      hint: "Draw a new key for each act; repeat a key only with the very same request.",
    });
  }
}

import type { Selectable } from "kysely";
import { type ConfigChange, changesBetween, checkConfig } from "../fleet/config-document.ts";
import { type ReportedFacts, type ToldConfig, twinOf } from "../fleet/reported-config.ts";
import { audit } from "../roster/audit.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { changing } from "../store/transactions.ts";
import type { NodeConfigsTable } from "../store/twin-tables.ts";
import { type CommandFacts, factsOf } from "./command-rows.ts";
import type { NodeCommands } from "./node-commands.ts";

/**
 * `unmanaged`: nobody has said what it should be · `draft`: said, not applied · `waiting` for a node that is away · `sent` ·
 * `trying`: in its self-test · `in-sync` · `reverted` by its self-test, or `refused`, with the reason · `expired` unanswered
 * · `cancelled` before the node began · `drift`: it was applied, and something else is in force now.
 */
export type TwinState =
  | "unmanaged"
  | "draft"
  | "waiting"
  | "sent"
  | "trying"
  | "in-sync"
  | "reverted"
  | "refused"
  | "expired"
  | "cancelled"
  | "drift";

export interface DesiredConfig {
  readonly revision: number;
  readonly sha256: string;
  readonly document: string;
  readonly note?: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
}

export interface TwinFacts {
  readonly node: string;
  readonly state: TwinState;
  readonly desired?: Omit<DesiredConfig, "document">;
  readonly reported?: ReportedFacts;
  readonly told?: Omit<ToldConfig, "document">;
  /** Why it was refused or taken back. */
  readonly reason?: { readonly code: string; readonly message: string };
  readonly command?: Pick<CommandFacts, "id" | "state" | "issuedBy" | "issuedAtMs" | "expiresAtMs" | "answeredAtMs">;
}

export interface ApplyOrder {
  readonly by: string;
  readonly forMs: number;
  readonly holdS?: number;
  readonly address?: string;
}

type Row = Selectable<NodeConfigsTable>;
const OPEN: readonly CommandFacts["state"][] = ["waiting", "sent", "cancelling"];

/** What config each node is to have, and how it gets it. */
export class ConfigDesk {
  readonly #db: Db;
  readonly #clock: BridgeClock;
  readonly #commands: NodeCommands;

  constructor({ db, clock, commands }: { db: Db; clock: BridgeClock; commands: NodeCommands }) {
    this.#db = db;
    this.#clock = clock;
    this.#commands = commands;
  }

  view(node: string, db: Db | Trx = this.#db): Promise<TwinFacts> {
    return viewOf(db, node, this.#clock.nowMs());
  }

  /** @throws BridgeError CONFIG_UNKNOWN */
  async desired(node: string, revision?: number, db: Db | Trx = this.#db): Promise<DesiredConfig> {
    const row = await rowOf(db, node, revision);
    if (row !== undefined) return desiredOf(row);
    const what = revision === undefined ? "config" : `revision ${revision}`;
    throw new BridgeError("CONFIG_UNKNOWN", `${node} has no ${what} here`, {
      status: 404,
      hint: "Ask the node for the one that is in force, and put it with PUT /api/v1/nodes/{id}/config/desired.",
    });
  }

  /** Newest first, from before that revision. */
  async history(node: string, limit: number, before?: number): Promise<DesiredConfig[]> {
    const rows = this.#db.selectFrom("node_configs").selectAll().where("node", "=", node);
    const older = before === undefined ? rows : rows.where("revision", "<", before);
    return (await older.orderBy("revision", "desc").limit(limit).execute()).map(desiredOf);
  }

  /**
   * Says what the node is to have; nothing is sent. What is said already stays as it is.
   * @param presume what the one who asks presumes of the one before
   * @throws BridgeError CONFIG_FAULTS
   */
  async put(
    node: string,
    { document, note }: { readonly document: string; readonly note?: string },
    { by, address, presume }: { by: string; address?: string; presume?: (current: object | undefined) => void },
  ): Promise<DesiredConfig> {
    const { faults, sha256 } = checkConfig(document, node);
    const [first] = faults;
    if (first !== undefined) {
      const { at, message, expected } = first;
      const more = faults.length === 1 ? "" : `, and ${faults.length - 1} more`;
      throw new BridgeError("CONFIG_FAULTS", `line ${at.line}: ${message}${more}`, {
        status: 422,
        hint: `Expected: ${expected}. POST /api/v1/nodes/{id}/config/check tells all of them.`,
      });
    }
    return changing(this.#db, async (trx) => {
      const nowMs = this.#clock.nowMs();
      const newest = await rowOf(trx, node);
      presume?.(newest === undefined ? undefined : desiredOf(newest));
      if (newest?.document === document) return desiredOf(newest);
      const row = await addRow(trx, node, { sha256, document, note: note ?? null, by, nowMs });
      const detail = { revision: row.revision, sha256 };
      const from = address === undefined ? {} : { address };
      await audit(trx, { actor: by, action: "config.put", target: node, ...from, detail }, nowMs);
      return desiredOf(row);
    });
  }

  /** Sends what the node is to have. What is on its way already is not sent twice; what failed is tried anew. */
  async apply(node: string, order: ApplyOrder): Promise<TwinFacts> {
    const id = await changing(this.#db, (trx) => this.keepApply(trx, node, order));
    if (id !== undefined) await this.#commands.deliver(node, id);
    return this.view(node);
  }

  /** The same within somebody's transaction. @returns the command to deliver after the commit */
  async keepApply(trx: Trx, node: string, { by, forMs, holdS, address }: ApplyOrder): Promise<string | undefined> {
    const nowMs = this.#clock.nowMs();
    const { state, command, reported } = await viewOf(trx, node, nowMs);
    if (state === "in-sync" || (command !== undefined && OPEN.includes(command.state))) return undefined;
    let row = await rowOf(trx, node);
    if (row === undefined) return this.desired(node, undefined, trx).then(() => undefined);
    // A node takes each revision once, and only what is newer than all that it took.
    if (row.command_id !== null || row.confirmed_at_ms !== null || (reported?.revision ?? 0) >= row.revision) {
      const { sha256, document, note } = row;
      row = await addRow(trx, node, { sha256, document, note, by, nowMs });
    }
    const { revision, sha256, document } = row;
    const args = { revision, sha256, document, ...(holdS === undefined ? {} : { holdS }) };
    const id = await this.#commands.keep(trx, { node, kind: "config", args, by, forMs }, address);
    await trx
      .updateTable("node_configs")
      .set({ command_id: id })
      .where("node", "=", node)
      .where("revision", "=", revision)
      .execute();
    return id;
  }

  /** Makes an earlier revision the wanted one again, and sends it. */
  async revert(node: string, revision: number, order: ApplyOrder): Promise<TwinFacts> {
    const { document } = await this.desired(node, revision);
    await this.put(node, { document, note: `as revision ${revision}` }, order);
    return this.apply(node, order);
  }

  /** Asks the node for what is in force; its answer is in the view as soon as it came. */
  async ask(node: string, { by, forMs, address }: ApplyOrder): Promise<TwinFacts> {
    await this.#commands.order({ node, kind: "config", args: { read: true }, by, forMs }, address);
    return this.view(node);
  }

  /**
   * What would change.
   * @throws BridgeError CONFIG_UNKNOWN where one of the two is not known here
   */
  async diff(node: string, from: "reported" | number, to?: number): Promise<ConfigChange[]> {
    const before = from === "reported" ? await this.inForce(node) : await this.desired(node, from);
    return changesBetween(before.document, (await this.desired(node, to)).document);
  }

  /**
   * The document that the node says is in force.
   * @throws BridgeError CONFIG_UNKNOWN
   */
  async inForce(node: string, db: Db | Trx = this.#db): Promise<ToldConfig> {
    const { reported, told } = await twinOf(db, node);
    if (reported !== undefined && told?.sha256 === reported.sha256) return told;
    const rows = db.selectFrom("node_configs").selectAll().where("node", "=", node);
    const known = await rows
      .where("sha256", "=", reported?.sha256 ?? "")
      .orderBy("revision", "desc")
      .executeTakeFirst();
    if (known !== undefined) return { ...known, atMs: reported?.atMs ?? 0 };
    throw new BridgeError("CONFIG_UNKNOWN", `what is in force on ${node} is not known here`, {
      status: 404,
      hint: "Ask the node for it with POST /api/v1/nodes/{id}/config/ask, and wait for its answer.",
    });
  }
}

export async function viewOf(db: Db | Trx, node: string, nowMs: number): Promise<TwinFacts> {
  const { reported, told } = await twinOf(db, node);
  const row = await rowOf(db, node);
  const sent = row?.command_id ?? undefined;
  const found =
    sent === undefined
      ? undefined
      : await db.selectFrom("commands").selectAll().where("id", "=", sent).executeTakeFirst();
  const command = found === undefined ? undefined : factsOf(found, nowMs);
  const state = stateOf(row, reported, command);
  const { code, message } = command?.result ?? {};
  const isTold = state === "refused" || state === "reverted";
  return {
    node,
    state,
    ...(row === undefined ? {} : { desired: withoutDocument(desiredOf(row)) }),
    ...(reported === undefined ? {} : { reported }),
    ...(told === undefined ? {} : { told: withoutDocument(told) }),
    ...(isTold && code !== undefined ? { reason: { code, message: message ?? "" } } : {}),
    ...(command === undefined ? {} : { command: commandOf(command) }),
  };
}

function stateOf(
  row: Row | undefined,
  reported: ReportedFacts | undefined,
  command: CommandFacts | undefined,
): TwinState {
  if (row === undefined) return "unmanaged";
  const isThere = reported?.sha256 === row.sha256;
  if (isThere && reported?.isTrial === true) return "trying";
  if (isThere) return "in-sync";
  const isOpen = command !== undefined && OPEN.includes(command.state);
  if (command?.state === "done" || (row.confirmed_at_ms !== null && !isOpen)) return "drift";
  if (command === undefined) return "draft";
  if (command.state === "cancelling") return "sent";
  if (command.state !== "refused") return command.state;
  return command.result?.code === "CONFIG_REVERTED" ? "reverted" : "refused";
}

async function rowOf(db: Db | Trx, node: string, revision?: number): Promise<Row | undefined> {
  const rows = db.selectFrom("node_configs").selectAll().where("node", "=", node);
  const those = revision === undefined ? rows : rows.where("revision", "=", revision);
  return those.orderBy("revision", "desc").executeTakeFirst();
}

async function addRow(
  trx: Trx,
  node: string,
  { by, nowMs, ...content }: { sha256: string; document: string; note: string | null; by: string; nowMs: number },
): Promise<Row> {
  const newest = await rowOf(trx, node);
  const { reported } = await twinOf(trx, node);
  // A bridge restored from a backup goes on after what its nodes took before.
  const revision = Math.max(newest?.revision ?? 0, reported?.revision ?? 0) + 1;
  const isThere = reported?.sha256 === content.sha256 && !reported.isTrial;
  const facts = { created_by: by, created_at_ms: nowMs, command_id: null, confirmed_at_ms: isThere ? nowMs : null };
  const row: Row = { node, revision, ...content, ...facts };
  await trx.insertInto("node_configs").values(row).execute();
  return row;
}

function desiredOf({ revision, sha256, document, note, created_by, created_at_ms }: Row): DesiredConfig {
  const facts = { revision, sha256, document, createdBy: created_by, createdAtMs: created_at_ms };
  return note === null ? facts : { ...facts, note };
}

function withoutDocument<T extends { readonly document: string }>({ document: _, ...rest }: T): Omit<T, "document"> {
  return rest;
}

function commandOf({ id, state, issuedBy, issuedAtMs, expiresAtMs, answeredAtMs }: CommandFacts) {
  const facts = { id, state, issuedBy, issuedAtMs, expiresAtMs };
  return answeredAtMs === undefined ? facts : { ...facts, answeredAtMs };
}

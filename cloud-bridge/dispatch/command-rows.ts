import type { Selectable } from "kysely";
import type { ResultBody } from "../../protocol/bodies.ts";
import type { Command } from "../../protocol/session.ts";
import { noteConfigResult } from "../fleet/reported-config.ts";
import { audit } from "../roster/audit.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { CommandsTable } from "../store/fleet-tables.ts";

export type CommandRow = Selectable<CommandsTable>;

/**
 * `waiting` for its node, which is away · `sent` and not answered yet · `done` · `refused` by the node, with its reason ·
 * `cancelled` before it reached the node, or as the node confirmed · `cancelling`: it was on its way already, and the node
 * has not said yet what became of it · `expired`: no answer came in its time, and the node obeys it no more.
 */
export type CommandState = "waiting" | "sent" | "done" | "refused" | "cancelling" | "cancelled" | "expired";

export interface CommandFacts {
  readonly id: string;
  readonly node: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly state: CommandState;
  readonly issuedBy: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly sentAtMs?: number;
  readonly answeredAtMs?: number;
  readonly cancelledAtMs?: number;
  readonly cancelledBy?: string;
  /** The node's word; of one that is not answered, why the node did not believe it. */
  readonly result?: Omit<ResultBody, "commandId">;
}

/** Keeps a signed command until its answer or its end. @returns false when one of this id is kept already */
export async function keepCommand(trx: Db | Trx, command: Command, node: string, by: string): Promise<boolean> {
  const inserted = await trx
    .insertInto("commands")
    .values({
      id: command.id,
      node,
      kind: command.kind,
      body: JSON.stringify(command),
      issued_by: by,
      issued_at_ms: command.issuedAtMs,
      expires_at_ms: command.expiresAtMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/** Anybody who reaches the node's topic can make it say these, so they end no command. */
const OF_STRANGERS = ["COMMAND_KEY_UNKNOWN", "COMMAND_SIGNATURE"];

/** The node's answer, in the transaction that stores its record. The first one stands. */
export async function applyResult(trx: Trx, node: string, body: ResultBody, nowMs: number): Promise<void> {
  const { commandId, ...result } = body;
  const isFinal = !OF_STRANGERS.includes(body.code ?? "");
  const updated = await trx
    .updateTable("commands")
    .set({ result: JSON.stringify(result), ...(isFinal ? { answered_at_ms: nowMs } : {}) })
    .where("id", "=", commandId)
    .where("node", "=", node)
    .where("answered_at_ms", "is", null)
    .executeTakeFirst();
  if (updated.numUpdatedRows === 0n && isFinal) return;
  const row = await trx.selectFrom("commands").select("kind").where("id", "=", commandId).executeTakeFirst();
  if (row?.kind === "config") await noteConfigResult(trx, node, body, nowMs);
  // Who was told of an assignment stands in the outbox and the timeline.
  if (row?.kind === "assignment") return;
  const { ok, code } = body;
  const detail = { command: commandId, ok, ...(code === undefined ? {} : { code }) };
  await audit(trx, { actor: `node:${node}`, action: "command.result", target: node, detail }, nowMs);
}

/** @throws BridgeError COMMAND_UNKNOWN */
export async function findCommand(db: Db | Trx, node: string, id: string, nowMs: number): Promise<CommandFacts> {
  const row = await db
    .selectFrom("commands")
    .selectAll()
    .where("id", "=", id)
    .where("node", "=", node)
    .executeTakeFirst();
  if (row !== undefined) return factsOf(row, nowMs);
  throw new BridgeError("COMMAND_UNKNOWN", `${node} was sent no command ${id}`, {
    status: 404,
    hint: "GET /api/v1/nodes/{id}/commands lists them.",
  });
}

/** Newest first, from before the one named. */
export async function listCommands(
  db: Db,
  node: string,
  { before, limit, nowMs }: { readonly before?: string; readonly limit: number; readonly nowMs: number },
): Promise<readonly CommandFacts[]> {
  const [issued = "", id = ""] = before?.split(" ") ?? [];
  const rows = db
    .selectFrom("commands")
    .selectAll()
    .where("node", "=", node)
    .where("kind", "not in", ["assignment", "cancel"]);
  const older =
    before === undefined
      ? rows
      : rows.where(({ eb, or, and }) =>
          or([
            eb("issued_at_ms", "<", Number(issued)),
            and([eb("issued_at_ms", "=", Number(issued)), eb("id", "<", id)]),
          ]),
        );
  const found = await older.orderBy("issued_at_ms", "desc").orderBy("id", "desc").limit(limit).execute();
  return found.map((row) => factsOf(row, nowMs));
}

/** Where a page of `listCommands` goes on. */
export function commandKey({ issuedAtMs, id }: Pick<CommandFacts, "issuedAtMs" | "id">): string {
  return `${issuedAtMs} ${id}`;
}

export function factsOf(row: CommandRow, nowMs: number): CommandFacts {
  const { args: all } = JSON.parse(row.body) as Pick<Command, "args">;
  // A document is read where configs are, see config-desk.ts.
  const { document: _, ...args } = all;
  const result = row.result === null ? undefined : (JSON.parse(row.result) as Omit<ResultBody, "commandId">);
  return {
    id: row.id,
    node: row.node,
    kind: row.kind,
    args,
    state: stateOf(row, result, nowMs),
    issuedBy: row.issued_by,
    issuedAtMs: row.issued_at_ms,
    expiresAtMs: row.expires_at_ms,
    ...(row.sent_at_ms === null ? {} : { sentAtMs: row.sent_at_ms }),
    ...(row.answered_at_ms === null ? {} : { answeredAtMs: row.answered_at_ms }),
    ...(row.cancelled_at_ms === null ? {} : { cancelledAtMs: row.cancelled_at_ms }),
    ...(row.cancelled_by === null ? {} : { cancelledBy: row.cancelled_by }),
    ...(result === undefined ? {} : { result }),
  };
}

function stateOf(row: CommandRow, result: CommandFacts["result"], nowMs: number): CommandState {
  if (row.answered_at_ms !== null) {
    if (result?.code === "COMMAND_CANCELLED") return "cancelled";
    return result?.ok === true ? "done" : "refused";
  }
  if (row.cancelled_at_ms !== null && row.sent_at_ms === null) return "cancelled";
  if (row.expires_at_ms < nowMs) return "expired";
  if (row.cancelled_at_ms !== null) return "cancelling";
  return row.sent_at_ms === null ? "waiting" : "sent";
}

import type { KeyObject } from "node:crypto";
import { type Selectable, sql } from "kysely";
import { type ActBody, isActSigned } from "../../../protocol/assignment.ts";
import { readEvidenceKey } from "../../../protocol/evidence-manifest.ts";
import { isActive } from "../../cases/assignment-rows.ts";
import { type Change, note } from "../../cases/case-rows.ts";
import type { DeskSettings } from "../../cases/settings.ts";
import type { Db, Trx } from "../../store/database.ts";
import type { CrewSignalsTable } from "../../store/desk-tables.ts";
import { BridgeError } from "../../store/errors.ts";
import type { Actor } from "../actor.ts";
import { actOnAssignment, type CrewActRequest } from "../crew-acts.ts";
import { crewOfRadio, isVehicleOf } from "./contacts.ts";
import { noteNotified } from "./courier.ts";

/** So long an act waits for one that was done before it and is still on its way. */
const GAP_MS = 60_000;
/** Clocks of a radio's gateway and of the bridge may differ so much. */
const SKEW_MS = 5_000;
const AT_ONCE = 100;

export type CrewSignalRow = Selectable<CrewSignalsTable>;

/** What a status code of the radio means, e.g. 32772: acknowledge. */
export type StatusMeanings = Readonly<Record<string, CrewActRequest["act"]>>;

/** What a crew said in another way than through its page, in the transaction that stores its record. */
export interface CrewSignal {
  readonly node: string;
  readonly run: string;
  readonly seq: number;
  readonly atMs: number;
  /** As the record bears it, which is what was signed. */
  readonly stampedAtMs: number;
  readonly said:
    | { readonly kind: "act"; readonly body: ActBody }
    | { readonly kind: "status"; readonly issi: string; readonly code: number };
}

export async function keepSignal(trx: Trx, { node, run, seq, atMs, stampedAtMs, said }: CrewSignal, nowMs: number) {
  await trx
    .insertInto("crew_signals")
    .values({
      ...{ node, run, seq, kind: said.kind, at_ms: atMs, stamped_at_ms: stampedAtMs, received_at_ms: nowMs },
      n: said.kind === "act" ? said.body.n : null,
      body: JSON.stringify(said.kind === "act" ? said.body : { issi: said.issi, code: said.code }),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export interface SignalsContext {
  readonly settings: DeskSettings;
  readonly statuses: StatusMeanings;
  readonly nowMs: number;
  /** One transaction of the desk, with its events. */
  readonly change: (act: (change: Change) => Promise<void>) => Promise<void>;
}

/**
 * Applies what waits, acts of one node in their order. What cannot be applied is kept with its reason, and stands in the
 * case's timeline where there is one.
 * @returns how many were settled
 */
export async function takeSignals(own: Db, context: SignalsContext): Promise<number> {
  const rows = await own
    .selectFrom("crew_signals")
    .selectAll()
    .where("done_at_ms", "is", null)
    .orderBy("node")
    .orderBy("n")
    .orderBy("id")
    .limit(AT_ONCE)
    .execute();
  let settled = 0;
  const newest = new Map<string, number>();
  for (const row of rows) {
    if (row.n !== null) {
      const before = newest.get(row.node) ?? (await newestDone(own, row.node));
      if (row.n > before + 1 && context.nowMs - row.received_at_ms < GAP_MS) continue;
      newest.set(row.node, Math.max(before, row.n));
    }
    await apply(row, context);
    settled += 1;
  }
  return settled;
}

async function newestDone(own: Db, node: string): Promise<number> {
  const row = await own
    .selectFrom("crew_signals")
    .select(({ fn }) => fn.max("n").as("n"))
    .where("node", "=", node)
    .where("done_at_ms", "is not", null)
    .executeTakeFirst();
  return Number(row?.n ?? 0);
}

async function apply(row: CrewSignalRow, context: SignalsContext): Promise<void> {
  try {
    await context.change(async (change) => {
      const outcome =
        row.kind === "act" ? await applyAct(change, row, context) : await applyStatus(change, row, context);
      await settle(change, row.id, outcome);
    });
  } catch (error) {
    // Refused by the desk: that act changes nothing, and must not come again.
    if (!(error instanceof BridgeError)) throw error;
    const { code, message } = error;
    await context.change(async (change) => {
      await settle(change, row.id, code);
      const assignmentId = (JSON.parse(row.body) as Partial<ActBody>).assignmentId;
      if (assignmentId !== undefined) await noteRefused(change, row, assignmentId, `${code}: ${message}`);
    });
  }
}

async function settle({ trx, nowMs }: Change, id: number, outcome: string): Promise<void> {
  const set = { done_at_ms: nowMs, outcome };
  await trx.updateTable("crew_signals").set(set).where("id", "=", id).where("done_at_ms", "is", null).execute();
}

async function applyAct(change: Change, row: CrewSignalRow, { settings }: SignalsContext): Promise<string> {
  const body = JSON.parse(row.body) as ActBody;
  const { assignmentId, act, cause, position } = body;
  const leg = await change.trx
    .selectFrom("assignments")
    .select(["crew_id", "case_id"])
    .where("id", "=", assignmentId)
    .executeTakeFirst();
  if (leg === undefined) return "ASSIGNMENT_UNKNOWN";
  const signature = await judge(change.trx, row, body);
  if (signature === "bad") {
    await noteRefused(change, row, assignmentId, "ACT_SIGNATURE: the act does not bear its node's signature");
    return "ACT_SIGNATURE";
  }
  if (!(await isVehicleOf(change.trx, row.node, leg.crew_id, row.at_ms))) {
    await noteRefused(change, row, assignmentId, "ASSIGNMENT_NOT_YOURS: the crew does not sit in this vehicle");
    return "ASSIGNMENT_NOT_YOURS";
  }
  if (act === "seen") {
    await noteNotified(change, assignmentId, `node:${row.node}`, "vehicle-page");
    return "done";
  }
  const actor: Actor = { id: `node:${row.node}`, name: `crew:${leg.crew_id}`, role: "crew", crewId: leg.crew_id };
  const request: CrewActRequest = {
    ...{ act, deviceTimeMs: row.at_ms, channel: "vehicle-page" },
    ...(cause === undefined ? {} : { cause }),
    ...(position === undefined ? {} : { position }),
    detail: { node: row.node, signature },
  };
  await actOnAssignment(change, actor, assignmentId, request, settings);
  return "done";
}

async function applyStatus(change: Change, row: CrewSignalRow, context: SignalsContext): Promise<string> {
  const { issi, code } = JSON.parse(row.body) as { issi: string; code: number };
  const act = context.statuses[String(code)];
  if (act === undefined) return "no-meaning";
  const crewId = await crewOfRadio(change.trx, issi, row.at_ms);
  if (crewId === undefined) return "no-crew";
  const leg = await change.trx
    .selectFrom("assignments")
    .select(["id", "assigned_at_ms"])
    .where("crew_id", "=", crewId)
    .where(isActive)
    // Of several it speaks of the one that holds it.
    .orderBy("holds", "desc")
    .orderBy("assigned_at_ms")
    .orderBy("id")
    .executeTakeFirst();
  if (leg === undefined) return "no-assignment";
  // A status that waited for a link speaks of what the crew did before.
  if (row.at_ms < leg.assigned_at_ms - SKEW_MS) return "earlier";
  const actor: Actor = { id: `issi:${issi}`, name: `crew:${crewId}`, role: "crew", crewId };
  const detail = { issi, statusCode: code, node: row.node };
  const request: CrewActRequest = { act, deviceTimeMs: row.at_ms, channel: "radio", detail };
  await actOnAssignment(change, actor, leg.id, request, context.settings);
  return "done";
}

async function noteRefused(change: Change, row: CrewSignalRow, assignmentId: string, cause: string): Promise<void> {
  const leg = await change.trx
    .selectFrom("assignments")
    .select("case_id")
    .where("id", "=", assignmentId)
    .executeTakeFirst();
  if (leg === undefined) return;
  const { act } = JSON.parse(row.body) as Partial<ActBody>;
  await note(change, leg.case_id, {
    ...{ kind: "act-refused", actor: `node:${row.node}`, channel: "vehicle-page", deviceTimeMs: row.at_ms, cause },
    detail: { assignmentId, act },
  });
}

/** The connection says which node it is; the signature, that the act was made there and not on the way. */
async function judge(trx: Trx, row: CrewSignalRow, body: ActBody): Promise<"good" | "bad" | "none" | "unconfirmed"> {
  const { signature } = body;
  if (signature === undefined) return "none";
  if (signature.node !== row.node) return "bad";
  const known = await trx
    .selectFrom("evidence_keys")
    .select(["public_key", "state"])
    .where("node", "=", row.node)
    .where("key_id", "=", signature.keyId)
    .executeTakeFirst();
  const key: KeyObject | undefined = known === undefined ? undefined : readEvidenceKey(known.public_key);
  if (key === undefined) return "unconfirmed";
  if (!isActSigned(body, row.stamped_at_ms, key)) return "bad";
  return known?.state === "pinned" ? "good" : "unconfirmed";
}

/** Signals that nobody needs any more. */
export async function tidySignals(db: Db, beforeMs: number): Promise<void> {
  await db
    .deleteFrom("crew_signals")
    .where("done_at_ms", "<", beforeMs)
    // The newest of each node stays: it says which number comes next.
    .where("id", "not in", (eb) => eb.selectFrom("crew_signals").select(sql<number>`max(id)`.as("id")).groupBy("node"))
    .execute();
}

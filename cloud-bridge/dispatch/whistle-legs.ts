import { amend, type Change, loadCase, note } from "../cases/case-rows.ts";
import { cancelTimer } from "../cases/timers.ts";
import { legsOfWhistle, loadWhistle, type WhistleLegRow, type WhistleRow } from "../cases/whistle-rows.ts";
import { readUnitTree } from "../roster/units.ts";
import type { WhistleLegsTable } from "../store/casework-tables.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { assertOfCase } from "./named-evidence.ts";
import { actsFor, foreign } from "./whistle-scope.ts";
import { assertState, endWhistle, entryOf } from "./whistles.ts";

/** What a department does on its leg of a whistle, and how the two rate each other. */
export type WhistleLegActRequest =
  | { readonly act: "receive" | "on-scene" }
  | { readonly act: "handled"; readonly result: string; readonly evidence?: readonly string[] }
  /** It is not its duty. */
  | { readonly act: "return"; readonly cause: string }
  | { readonly act: "rate"; readonly of: "unit" | "caller"; readonly rating: number; readonly text?: string };

/** Which acts a leg takes, and where each leads. */
const LEG_MOVES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  called: { receive: "received", "on-scene": "on-scene", return: "returned" },
  received: { "on-scene": "on-scene", return: "returned" },
  "on-scene": { handled: "handled" },
};

/** @throws BridgeError WHISTLE_LEG_UNKNOWN, WHISTLE_MOVE, WHISTLE_FOREIGN, WHISTLE_RATED */
export async function actOnWhistleLeg(
  change: Change,
  actor: Actor,
  legId: string,
  request: WhistleLegActRequest,
): Promise<string> {
  const leg = await loadLeg(change, legId);
  const row = await loadWhistle(change.trx, leg.whistle_id);
  const tree = await readUnitTree(change.trx);
  if (request.act === "rate") {
    const speaker = request.of === "unit" ? row.from_unit_id : leg.unit_id;
    if (!actsFor(tree, actor, speaker)) throw foreign(actor, speaker);
    await rate(change, actor, row, leg, request);
    return row.id;
  }
  if (!actsFor(tree, actor, leg.unit_id)) throw foreign(actor, leg.unit_id);
  assertState(row, "started");
  const to = LEG_MOVES[leg.state]?.[request.act];
  if (to === undefined) {
    throw new BridgeError("WHISTLE_MOVE", `the leg of ${leg.unit_id} is ${leg.state}: ${request.act} is not possible`, {
      status: 409,
      hint: "A leg is received, then on scene, then handled; it is returned before anybody is on scene.",
    });
  }
  const evidence = request.act === "handled" ? (request.evidence ?? []) : [];
  await assertOfCase(change.trx, row.case_id, evidence);
  await setLeg(change, leg, { state: to, ...stamps(change, actor, leg, request) });
  const entry = entryOf(actor, `whistle-leg-${to}`, row);
  const late = leg.scene_overdue === 1 || leg.handle_overdue === 1;
  const cause = request.act === "return" ? request.cause : request.act === "handled" ? request.result : undefined;
  await note(change, row.case_id, {
    ...entry,
    ...(cause === undefined ? {} : { cause }),
    detail: {
      ...entry.detail,
      legId,
      unitId: leg.unit_id,
      ...(late ? { late } : {}),
      ...(evidence.length > 0 ? { evidence } : {}),
    },
  });
  await finishIfDone(change, row, actor);
  return row.id;
}

function stamps(change: Change, actor: Actor, leg: WhistleLegRow, request: WhistleLegActRequest) {
  const { nowMs } = change;
  const received = { received_at_ms: leg.received_at_ms ?? nowMs, received_by: leg.received_by ?? actor.name };
  switch (request.act) {
    case "receive":
      return received;
    case "on-scene":
      return { ...received, on_scene_at_ms: nowMs, on_scene_by: actor.name };
    case "handled":
      return { result: request.result, ended_at_ms: nowMs, ended_by: actor.name };
    case "return":
      return { result: request.cause, ended_at_ms: nowMs, ended_by: actor.name };
    case "rate":
      return {};
  }
}

async function setLeg(change: Change, leg: WhistleLegRow, set: Partial<WhistleLegsTable>): Promise<void> {
  await change.trx.updateTable("whistle_legs").set(set).where("id", "=", leg.id).execute();
  const { state } = set;
  if (state === undefined) return;
  const isThere = state === "on-scene" || state === "returned";
  if (isThere) await cancelTimer(change.trx, "whistle-scene", leg.id, change.nowMs);
  if (state === "handled" || state === "returned") {
    await cancelTimer(change.trx, "whistle-handle", leg.id, change.nowMs);
  }
}

async function finishIfDone(change: Change, row: WhistleRow, actor: Actor): Promise<void> {
  const legs = await legsOfWhistle(change.trx, row.id);
  if (legs.some(({ ended_at_ms }) => ended_at_ms === null)) return;
  const isHandled = legs.some(({ state }) => state === "handled");
  await endWhistle(change, row, isHandled ? "handled" : "returned", actor.name);
}

async function rate(
  change: Change,
  actor: Actor,
  row: WhistleRow,
  leg: WhistleLegRow,
  { of, rating, text }: Extract<WhistleLegActRequest, { act: "rate" }>,
): Promise<void> {
  if (leg.ended_at_ms === null) {
    throw new BridgeError("WHISTLE_MOVE", `the leg of ${leg.unit_id} is ${leg.state}`, {
      status: 409,
      hint: "It is rated once it has ended.",
    });
  }
  const known = of === "unit" ? leg.rating_of_unit : leg.rating_of_caller;
  if (known !== null) {
    throw new BridgeError("WHISTLE_RATED", "this rating has been given", {
      status: 409,
      hint: "Each side rates the other once for each leg.",
    });
  }
  const { name } = actor;
  await setLeg(
    change,
    leg,
    of === "unit"
      ? { rating_of_unit: rating, rating_of_unit_by: name, rating_of_unit_text: text ?? null }
      : { rating_of_caller: rating, rating_of_caller_by: name, rating_of_caller_text: text ?? null },
  );
  const entry = entryOf(actor, "whistle-rated", row);
  await note(change, row.case_id, {
    ...entry,
    ...(text === undefined ? {} : { cause: text }),
    detail: { ...entry.detail, legId: leg.id, unitId: leg.unit_id, of, rating },
  });
}

/** A department is not on scene, or has not handled its part, in time: it is supervised (督办), and that is counted. */
export async function whistleOverdue(
  change: Change,
  legId: string,
  kind: "whistle-scene" | "whistle-handle",
): Promise<void> {
  const leg = await loadLeg(change, legId);
  const isScene = kind === "whistle-scene";
  const waiting = isScene ? ["called", "received"] : ["called", "received", "on-scene"];
  if (!waiting.includes(leg.state)) return;
  await change.trx
    .updateTable("whistle_legs")
    .set(isScene ? { scene_overdue: 1 } : { handle_overdue: 1 })
    .where("id", "=", leg.id)
    .execute();
  const whistle = await loadWhistle(change.trx, leg.whistle_id);
  const row = await loadCase(change.trx, whistle.case_id);
  await amend(change, row, { supervision_count: row.supervision_count + 1 });
  const entry = entryOf({ name: "system:timer" }, "whistle-overdue", whistle);
  const cause = isScene ? "the department is not on scene in time" : "the department has not handled its part in time";
  const detail = { ...entry.detail, legId, unitId: leg.unit_id };
  await note(change, row.id, { ...entry, channel: "system", cause, detail });
}

/** @throws BridgeError WHISTLE_LEG_UNKNOWN */
async function loadLeg({ trx }: Change, legId: string): Promise<WhistleLegRow> {
  const leg = await trx.selectFrom("whistle_legs").selectAll().where("id", "=", legId).executeTakeFirst();
  if (leg !== undefined) return leg;
  throw new BridgeError("WHISTLE_LEG_UNKNOWN", `no whistle has a leg ${legId}`, {
    status: 404,
    hint: "GET /api/v1/whistles shows them.",
  });
}

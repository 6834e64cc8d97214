import { randomUUID } from "node:crypto";
import { type CaseRow, type Change, loadCase, note } from "../cases/case-rows.ts";
import { joinUnit } from "../cases/case-units.ts";
import type { Catalogue, WhistleKind } from "../cases/catalogue.ts";
import { catalogueInForce, catalogueNamed } from "../cases/catalogue-rows.ts";
import { allowedUntilMs } from "../cases/clocks.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { cancelTimer, setTimer } from "../cases/timers.ts";
import { legsOfWhistle, loadWhistle, type WhistleLegRow, type WhistleRow } from "../cases/whistle-rows.ts";
import { readUnitTree, type UnitTree, unknownUnit } from "../roster/units.ts";
import type { WhistlesTable } from "../store/casework-tables.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { actsFor, foreign } from "./whistle-scope.ts";

/** A street or community calls departments to a case; the shape is that of the API's NewWhistle. */
export interface NewWhistle {
  readonly caseId: string;
  /** Of the catalogue: 应急哨, 重点哨, 常规哨 or what the city calls them. */
  readonly kind: string;
  readonly fromUnitId: string;
  readonly unitIds: readonly string[];
  /** One of `unitIds`. */
  readonly leadUnitId: string;
  readonly text: string;
}

/** @throws BridgeError CASE_UNKNOWN, CASE_ENDED, WHISTLE_KIND_UNKNOWN, WHISTLE_UNITS, UNIT_UNKNOWN, WHISTLE_FOREIGN */
export async function blowWhistle(
  change: Change,
  actor: Actor,
  whistle: NewWhistle,
  settings: DeskSettings,
): Promise<string> {
  const { trx, nowMs } = change;
  const row = await loadCase(trx, whistle.caseId);
  if (isEnded(stateNamed(row.state))) {
    throw new BridgeError("CASE_ENDED", `case ${row.number} is ${row.state}`, {
      status: 409,
      hint: "Reopen it before you whistle for it.",
    });
  }
  const catalogue = await catalogueInForce(trx, nowMs);
  kindNamed(catalogue, whistle.kind);
  const tree = await readUnitTree(trx);
  const aid = assertUnits(tree, actor, whistle);
  const id = randomUUID();
  const fileNumber = await nextFileNumber(change, settings.timeZone);
  await trx
    .insertInto("whistles")
    .values({
      id,
      file_number: fileNumber,
      case_id: row.id,
      kind: whistle.kind,
      catalogue: catalogue.name,
      catalogue_version: catalogue.version,
      from_unit_id: whistle.fromUnitId,
      lead_unit_id: whistle.leadUnitId,
      aid: aid ?? null,
      text: whistle.text,
      state: "filed",
      blown_by: actor.name,
      blown_at_ms: nowMs,
      reviewed_by: null,
      reviewed_at_ms: null,
      opinion: null,
      started_at_ms: null,
      ended_at_ms: null,
      updated_at_ms: nowMs,
    })
    .execute();
  for (const unitId of whistle.unitIds) await addLeg(change, id, unitId, unitId === whistle.leadUnitId);
  await joinUnit(change, row.id, whistle.fromUnitId, "whistle");
  const { kind, fromUnitId, leadUnitId, unitIds } = whistle;
  const detail = { kind, fromUnitId, leadUnitId, unitIds, ...(aid === undefined ? {} : { aid }) };
  const entry = entryOf(actor, "whistle-blown", { id, file_number: fileNumber });
  await note(change, row.id, { ...entry, cause: whistle.text, detail: { ...entry.detail, ...detail } });
  if (!settings.reviewWhistles) await startWhistle(change, await loadWhistle(trx, id), "system:desk", settings);
  return id;
}

export type WhistleActRequest =
  | { readonly act: "review"; readonly isApproved: boolean; readonly opinion?: string }
  | { readonly act: "call" | "lead"; readonly unitId: string }
  | { readonly act: "withdraw"; readonly cause: string }
  | { readonly act: "archive" };

/** @throws BridgeError WHISTLE_UNKNOWN, WHISTLE_MOVE, WHISTLE_FOREIGN, WHISTLE_REVIEW, WHISTLE_UNITS, UNIT_UNKNOWN */
export async function actOnWhistle(
  change: Change,
  actor: Actor,
  whistleId: string,
  request: WhistleActRequest,
  settings: DeskSettings,
): Promise<void> {
  const row = await loadWhistle(change.trx, whistleId);
  const tree = await readUnitTree(change.trx);
  switch (request.act) {
    case "review":
      return review(change, actor, tree, row, request, settings);
    case "call":
      return callOneMore(change, actor, tree, row, request.unitId, settings);
    case "lead":
      return giveWhistleLead(change, actor, tree, row, request.unitId);
    case "withdraw":
      if (!actsFor(tree, actor, row.from_unit_id)) throw foreign(actor, row.from_unit_id);
      assertState(row, "filed", "started");
      return endWhistle(change, row, "withdrawn", actor.name, request.cause);
    case "archive":
      if (![row.from_unit_id, row.lead_unit_id].some((unitId) => actsFor(tree, actor, unitId)))
        throw foreign(actor, row.lead_unit_id);
      assertState(row, "handled", "returned");
      await setWhistle(change, row, { state: "archived" });
      return note(change, row.case_id, entryOf(actor, "whistle-archived", row));
  }
}

/** By a district's grid centre, or the city's where help crosses districts; never by who whistled. */
async function review(
  change: Change,
  actor: Actor,
  tree: UnitTree,
  row: WhistleRow,
  { isApproved, opinion }: Extract<WhistleActRequest, { act: "review" }>,
  settings: DeskSettings,
): Promise<void> {
  assertState(row, "filed");
  assertReviewer(tree, actor, row, await legsOfWhistle(change.trx, row.id));
  const reviewed = { reviewed_by: actor.name, reviewed_at_ms: change.nowMs, opinion: opinion ?? null };
  const known = await setWhistle(change, row, reviewed);
  const said = opinion === undefined ? {} : { cause: opinion };
  if (!isApproved) {
    await setWhistle(change, known, { state: "rejected", ended_at_ms: change.nowMs });
    return note(change, row.case_id, { ...entryOf(actor, "whistle-rejected", row), ...said });
  }
  await note(change, row.case_id, { ...entryOf(actor, "whistle-reviewed", row), ...said });
  await startWhistle(change, known, actor.name, settings);
}

function assertReviewer(tree: UnitTree, actor: Actor, row: WhistleRow, legs: readonly WhistleLegRow[]): void {
  const refuse = (message: string, hint: string) => new BridgeError("WHISTLE_REVIEW", message, { status: 403, hint });
  if (actor.name === row.blown_by) {
    throw refuse(`${actor.name} has blown this whistle`, "Somebody else of the district's grid centre reviews it.");
  }
  if (actor.unitId === undefined) return;
  const level = tree.get(actor.unitId)?.level;
  const covers = (unitId: string) => tree.path(unitId).some(({ id }) => id === actor.unitId);
  const isCentre = (level === "district" || level === "city") && covers(row.from_unit_id);
  if (isCentre && (row.aid !== "district" || legs.every((leg) => covers(leg.unit_id)))) return;
  throw refuse(
    `${actor.name} of ${actor.unitId} does not review this whistle`,
    "The grid centre of the district does; where help crosses districts, the city's.",
  );
}

async function startWhistle(change: Change, row: WhistleRow, by: string, settings: DeskSettings): Promise<void> {
  const { nowMs, trx } = change;
  await setWhistle(change, row, { state: "started", started_at_ms: nowMs });
  const kind = kindNamed(await catalogueNamed(trx, row.catalogue, row.catalogue_version), row.kind);
  const legs = await legsOfWhistle(trx, row.id);
  for (const leg of legs) await callLeg(change, row, leg, kind, settings);
  const entry = { ...entryOf({ name: by }, "whistle-started", row), channel: "system" } as const;
  const called = legs.map(({ unit_id }) => unit_id);
  await note(change, row.case_id, { ...entry, detail: { ...entry.detail, unitIds: called } });
}

/** The department's clock begins: on scene within the time of its kind, and its part handled. */
async function callLeg(
  change: Change,
  row: WhistleRow,
  leg: WhistleLegRow,
  { clock, sceneMinutes, handleMinutes, handleWorkingDays }: WhistleKind,
  settings: DeskSettings,
): Promise<void> {
  const { nowMs, trx } = change;
  const until = (minutes: number, workingDays?: number) =>
    allowedUntilMs(change, settings, leg.unit_id, nowMs, { clock, minutes, workingDays });
  const due = {
    due_scene_at_ms: await until(sceneMinutes),
    due_handle_at_ms: await until(handleMinutes, handleWorkingDays),
  };
  await trx
    .updateTable("whistle_legs")
    .set({ ...due, state: "called" })
    .where("id", "=", leg.id)
    .execute();
  await setTimer(trx, "whistle-scene", leg.id, due.due_scene_at_ms, nowMs);
  await setTimer(trx, "whistle-handle", leg.id, due.due_handle_at_ms, nowMs);
  await joinUnit(change, row.case_id, leg.unit_id, "whistle");
}

async function callOneMore(
  change: Change,
  actor: Actor,
  tree: UnitTree,
  row: WhistleRow,
  unitId: string,
  settings: DeskSettings,
): Promise<void> {
  if (![row.from_unit_id, row.lead_unit_id].some((id) => actsFor(tree, actor, id)))
    throw foreign(actor, row.from_unit_id);
  assertState(row, "filed", "started");
  const legs = await legsOfWhistle(change.trx, row.id);
  if (legs.some((leg) => leg.unit_id === unitId)) throw badUnits(`${unitId} is called already`);
  // Help that crosses districts where none did needs the review of the city, which this whistle has not had.
  if (aidOf(tree, row.from_unit_id, [unitId]) === "district" && row.aid !== "district") {
    throw badUnits(`${unitId} stands in another district`);
  }
  callable(tree, unitId, row.from_unit_id);
  const leg = await addLeg(change, row.id, unitId, false);
  const entry = entryOf(actor, "whistle-called", row);
  await note(change, row.case_id, { ...entry, detail: { ...entry.detail, unitId } });
  if (row.state !== "started") return;
  const kind = kindNamed(await catalogueNamed(change.trx, row.catalogue, row.catalogue_version), row.kind);
  await callLeg(change, row, leg, kind, settings);
}

async function giveWhistleLead(
  change: Change,
  actor: Actor,
  tree: UnitTree,
  row: WhistleRow,
  unitId: string,
): Promise<void> {
  if (!actsFor(tree, actor, row.from_unit_id)) throw foreign(actor, row.from_unit_id);
  assertState(row, "filed", "started");
  const legs = await legsOfWhistle(change.trx, row.id);
  const next = legs.find((leg) => leg.unit_id === unitId);
  if (next === undefined || next.state === "returned") throw badUnits(`${unitId} is not called by this whistle`);
  for (const leg of legs) {
    await change.trx
      .updateTable("whistle_legs")
      .set({ is_lead: leg.id === next.id ? 1 : 0 })
      .where("id", "=", leg.id)
      .execute();
  }
  await setWhistle(change, row, { lead_unit_id: unitId });
  const entry = entryOf(actor, "whistle-lead", row);
  await note(change, row.case_id, { ...entry, detail: { ...entry.detail, unitId } });
}

/** Every leg that is under way ends with the whistle. */
export async function endWhistle(
  change: Change,
  row: WhistleRow,
  state: "withdrawn" | "handled" | "returned",
  by: string,
  cause?: string,
): Promise<void> {
  const { trx, nowMs } = change;
  const legs = await legsOfWhistle(trx, row.id);
  for (const leg of legs) {
    for (const kind of ["whistle-scene", "whistle-handle"] as const) await cancelTimer(trx, kind, leg.id, nowMs);
    if (leg.ended_at_ms !== null) continue;
    const ended = { state: "withdrawn", ended_at_ms: nowMs, ended_by: by };
    await trx.updateTable("whistle_legs").set(ended).where("id", "=", leg.id).execute();
  }
  await setWhistle(change, row, { state, ended_at_ms: nowMs });
  const entry = entryOf({ name: by }, `whistle-${state}`, row);
  const results = legs.flatMap(({ unit_id, result }) => (result === null ? [] : [{ unitId: unit_id, result }]));
  await note(change, row.case_id, {
    ...entry,
    ...(cause === undefined ? {} : { cause }),
    detail: { ...entry.detail, ...(results.length === 0 ? {} : { results }) },
  });
}

/** The case is over otherwise: nobody need come any more. */
export async function withdrawWhistles(change: Change, row: CaseRow, by: string, cause: string): Promise<void> {
  const rows = await change.trx
    .selectFrom("whistles")
    .selectAll()
    .where("case_id", "=", row.id)
    .where("state", "in", ["filed", "started"])
    .execute();
  for (const whistle of rows) await endWhistle(change, whistle, "withdrawn", by, cause);
}

export async function setWhistle(change: Change, row: WhistleRow, set: Partial<WhistlesTable>): Promise<WhistleRow> {
  const columns = { ...set, updated_at_ms: change.nowMs };
  await change.trx.updateTable("whistles").set(columns).where("id", "=", row.id).execute();
  return { ...row, ...columns };
}

export function entryOf(
  { name }: { readonly name: string },
  kind: string,
  { id, file_number }: Pick<WhistleRow, "id" | "file_number">,
): NewEntry {
  return { kind, actor: name, channel: "console", detail: { whistleId: id, fileNumber: file_number } };
}

async function addLeg(change: Change, whistleId: string, unitId: string, isLead: boolean): Promise<WhistleLegRow> {
  const row: WhistleLegRow = {
    id: randomUUID(),
    whistle_id: whistleId,
    unit_id: unitId,
    is_lead: isLead ? 1 : 0,
    state: "waiting",
    due_scene_at_ms: null,
    due_handle_at_ms: null,
    received_at_ms: null,
    received_by: null,
    on_scene_at_ms: null,
    on_scene_by: null,
    ended_at_ms: null,
    ended_by: null,
    result: null,
    scene_overdue: 0,
    handle_overdue: 0,
    rating_of_unit: null,
    rating_of_unit_by: null,
    rating_of_unit_text: null,
    rating_of_caller: null,
    rating_of_caller_by: null,
    rating_of_caller_text: null,
  };
  await change.trx.insertInto("whistle_legs").values(row).execute();
  return row;
}

/** `2026-000123`: counts from one each local year. */
async function nextFileNumber({ trx, nowMs }: Change, timeZone: string): Promise<string> {
  const year = new Intl.DateTimeFormat("en", { year: "numeric", timeZone }).format(nowMs);
  const last = await trx
    .selectFrom("whistles")
    .select("file_number")
    .where("file_number", ">=", `${year}-`)
    .where("file_number", "<", `${year}.`)
    .orderBy("file_number", "desc")
    .limit(1)
    .executeTakeFirst();
  const count = Number(last?.file_number.slice(5) ?? 0) + 1;
  return `${year}-${String(count).padStart(6, "0")}`;
}

/** @returns whether help crosses streets or districts */
function assertUnits(tree: UnitTree, actor: Actor, whistle: NewWhistle): "street" | "district" | undefined {
  const { fromUnitId, unitIds, leadUnitId } = whistle;
  const from = tree.get(fromUnitId);
  if (from === undefined) throw unknownUnit(fromUnitId, 422);
  if (from.level !== "street" && from.level !== "community")
    throw badUnits(`${fromUnitId} is a ${from.level}: streets and communities whistle`);
  if (!actsFor(tree, actor, fromUnitId)) throw foreign(actor, fromUnitId);
  if (new Set(unitIds).size !== unitIds.length) throw badUnits("a unit is called once");
  if (!unitIds.includes(leadUnitId)) throw badUnits(`${leadUnitId} leads and is not called`);
  for (const unitId of unitIds) callable(tree, unitId, fromUnitId);
  return aidOf(tree, fromUnitId, unitIds);
}

function callable(tree: UnitTree, unitId: string, fromUnitId: string): void {
  const unit = tree.get(unitId);
  if (unit === undefined) throw unknownUnit(unitId, 422);
  if (unitId === fromUnitId) throw badUnits(`${unitId} cannot whistle for itself`);
  if (unit.retiredAtMs !== undefined) throw badUnits(`${unitId} is retired`);
}

function aidOf(tree: UnitTree, from: string, unitIds: readonly string[]): "street" | "district" | undefined {
  const districtOf = (id: string) => tree.path(id).find(({ level }) => level === "district")?.id;
  const own = districtOf(from);
  const isElsewhere = (id: string) => {
    const district = districtOf(id);
    return own !== undefined && district !== undefined && district !== own;
  };
  if (unitIds.some(isElsewhere)) return "district";
  const isStreet = (id: string) => ["street", "community"].includes(tree.get(id)?.level ?? "");
  return unitIds.some(isStreet) ? "street" : undefined;
}

function kindNamed({ name, version, whistleKinds }: Catalogue, code: string): WhistleKind {
  const found = whistleKinds.find((kind) => kind.code === code);
  if (found !== undefined) return found;
  throw new BridgeError("WHISTLE_KIND_UNKNOWN", `${name} ${version} has no whistle ${code}`, {
    status: 422,
    hint: "GET /api/v1/catalogues/current lists the kinds in force.",
  });
}

export function assertState(row: WhistleRow, ...allowed: string[]): void {
  if (allowed.includes(row.state)) return;
  throw new BridgeError("WHISTLE_MOVE", `whistle ${row.file_number} is ${row.state}`, {
    status: 409,
    hint: `This is possible while it is ${allowed.join(" or ")}: load it again.`,
  });
}

function badUnits(message: string): BridgeError {
  return new BridgeError("WHISTLE_UNITS", message, {
    status: 422,
    hint: "A street or community whistles for 1 to n other units, each once; one of them leads.",
  });
}

import { createHash, randomUUID } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { amend, type CaseRow, type Change, handlersOf, loadCase, move, note, positionOf } from "../cases/case-rows.ts";
import { joinPlaceUnits, joinUnit } from "../cases/case-units.ts";
import { type Catalogue, type Category, categoryNamed } from "../cases/catalogue.ts";
import { catalogueInForce } from "../cases/catalogue-rows.ts";
import { categoryFacts, type FoundBy, gridCellOf, newCaseRow } from "../cases/new-case.ts";
import { openParts } from "../cases/open-parts.ts";
import { planDispatch } from "../cases/plan-dispatch.ts";
import { bringBack } from "../cases/progress.ts";
import { loadReport, type ReportChannel, reportsOfCase } from "../cases/report-rows.ts";
import { sameMatter } from "../cases/same-matter.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { responsibleUnits } from "../roster/responsible.ts";
import { findUnit } from "../roster/units.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";

/** What a source hands in; the shape is that of the API's NewReport. */
export interface NewReport {
  /** Name of the system or body that reports, e.g. `hotline-12345`. With `externalId` it makes a report one. */
  readonly source: string;
  readonly externalId: string;
  readonly channel: ReportChannel;
  readonly title: string;
  readonly description?: string;
  /** Of the catalogue in force. */
  readonly category?: string;
  readonly occurredAtMs?: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
  readonly address?: string;
  readonly siteId?: string;
  readonly gridCell?: string;
  readonly unitId?: string;
  readonly reporter?: { readonly name?: string; readonly contact?: string };
}

const FOUND_BY: Readonly<Record<ReportChannel, FoundBy>> = {
  order: "citizen",
  citizen: "citizen",
  patrol: "patrol",
  "video-round": "video-round",
};

/**
 * Takes a report: it joins the open case of its matter, opens one that was closed a short while ago again, or opens its own.
 * The same report again is answered with what became of it. One that names no place waits to be located; its times run.
 * @throws BridgeError REPORT_CHANGED, CATEGORY_UNKNOWN, SITE_UNKNOWN, UNIT_UNKNOWN
 */
export async function takeReport(
  change: Change,
  actor: Actor,
  report: NewReport,
  settings: DeskSettings,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const { trx, nowMs } = change;
  const known = await knownReport(trx, report);
  if (known !== undefined) return { id: known, isNew: false };
  const catalogue = await catalogueInForce(trx, nowMs);
  const category = report.category === undefined ? undefined : categoryNamed(catalogue, report.category);
  const place = await placeOf(change, report);
  const id = randomUUID();
  const said: NewEntry = {
    kind: "report-joined",
    actor: actor.name,
    channel: "api",
    ...(report.occurredAtMs === undefined ? {} : { deviceTimeMs: report.occurredAtMs }),
    ...(place.position === undefined ? {} : { position: place.position }),
    cause: report.title,
    detail: { reportId: id, source: report.source, externalId: report.externalId, via: report.channel },
  };
  const { row, how } = await caseFor(change, { report, catalogue, category, place, said, actor }, settings);
  await trx
    .insertInto("reports")
    .values({
      id,
      source: report.source,
      external_id: report.externalId,
      channel: report.channel,
      request_sha256: hashOf(report),
      taken_by: actor.name,
      received_at_ms: nowMs,
      occurred_at_ms: report.occurredAtMs ?? null,
      category: category?.code ?? null,
      title: report.title,
      description: report.description ?? null,
      address: report.address ?? null,
      reporter: report.reporter?.name ?? null,
      contact: report.reporter?.contact ?? null,
      latitude_deg: place.position?.latitudeDeg ?? null,
      longitude_deg: place.position?.longitudeDeg ?? null,
      accuracy_m: place.position?.accuracyM ?? null,
      case_id: row.id,
      how,
      result: null,
      result_at_ms: null,
      result_taken_at_ms: null,
      called_back_at_ms: null,
      called_back_by: null,
      is_resolved: null,
      satisfaction: null,
    })
    .execute();
  return { id, isNew: true };
}

/**
 * @returns the id of this very report, where it came before
 * @throws BridgeError REPORT_CHANGED when it came with other content
 */
export async function knownReport(db: Db | Trx, report: NewReport): Promise<string | undefined> {
  const known = await db
    .selectFrom("reports")
    .select(["id", "request_sha256"])
    .where("source", "=", report.source)
    .where("external_id", "=", report.externalId)
    .executeTakeFirst();
  if (known === undefined || known.request_sha256 === hashOf(report)) return known?.id;
  throw new BridgeError("REPORT_CHANGED", `${report.source} has reported ${report.externalId} with other content`, {
    status: 409,
    hint: "Add to it with the act `supplement`, or give it an id of its own.",
  });
}

function hashOf(report: NewReport): string {
  return createHash("sha256").update(canonicalJson(report)).digest("hex");
}

interface Place {
  readonly siteId?: string;
  readonly position?: NonNullable<NewReport["position"]>;
  /** The source gave 0, 0, which is no place that anybody reports from. */
  readonly isZero: boolean;
}

interface Intake {
  readonly report: NewReport;
  readonly catalogue: Catalogue;
  readonly category: Category | undefined;
  readonly place: Place;
  readonly said: NewEntry;
  readonly actor: Actor;
}

async function caseFor(
  change: Change,
  intake: Intake,
  settings: DeskSettings,
): Promise<{ readonly row: CaseRow; readonly how: "opened" | "joined" | "reopened" }> {
  const { category, place, said } = intake;
  const found = category === undefined ? undefined : await sameMatter(change, category, place, settings);
  if (found === undefined) return { row: await openCase(change, intake, settings), how: "opened" };
  const before = await loadCase(change.trx, found.caseId);
  const detail = { ...said.detail, how: found.how };
  const heard = { last_alarm_at_ms: Math.max(before.last_alarm_at_ms, change.nowMs) };
  if (isEnded(stateNamed(before.state))) {
    const entry = { ...said, kind: "reopened", detail };
    const row = await move(change, before, "reopen", entry, { ...heard, late: 0 });
    return { row: await planDispatch(change, row, settings), how: "reopened" };
  }
  await note(change, before.id, { ...said, detail });
  const row = await amend(change, before, heard);
  const isResolved = row.state === "resolved" || row.state === "verifying";
  if (!isResolved) return { row, how: "joined" };
  const entry = { ...said, kind: "brought-back", cause: "it was reported again" };
  return { row: await bringBack(change, row, entry, settings), how: "joined" };
}

async function openCase(change: Change, intake: Intake, settings: DeskSettings): Promise<CaseRow> {
  const { report, catalogue, category, place, said } = intake;
  const { position } = place;
  const isPlaced = position !== undefined;
  const [answering] = await responsibleUnits(change.trx, place.siteId ?? null, position);
  const row = await newCaseRow(change.trx, change.nowMs, {
    ...categoryFacts(catalogue, category),
    family: "report",
    nature: "event",
    title: report.title,
    rule: category?.code ?? "report",
    node: "",
    last_alarm_at_ms: change.nowMs,
    severity: category?.severity ?? "normal",
    found_by: FOUND_BY[report.channel],
    source: report.source,
    external_id: report.externalId,
    description: report.description ?? null,
    address: report.address ?? null,
    site_id: place.siteId ?? null,
    unit_id: report.unitId ?? answering?.unitId ?? null,
    latitude_deg: position?.latitudeDeg ?? null,
    longitude_deg: position?.longitudeDeg ?? null,
    accuracy_m: position?.accuracyM ?? null,
    grid_cell: report.gridCell ?? (isPlaced ? gridCellOf(position) : null),
    to_locate: isPlaced ? 0 : 1,
  });
  await change.trx.insertInto("cases").values(row).execute();
  if (report.unitId !== undefined) await joinUnit(change, row.id, report.unitId, "report");
  await joinPlaceUnits(change, row);
  await note(change, row.id, { ...said, kind: "opened" });
  if (!isPlaced) {
    const cause = place.isZero ? "the source gave 0, 0 as its place" : "the source gave no place";
    await note(change, row.id, { kind: "to-locate", actor: "system:desk", channel: "system", cause });
  }
  return planDispatch(change, row, settings);
}

async function placeOf({ trx }: Change, report: NewReport): Promise<Place> {
  if (report.unitId !== undefined) await findUnit(trx, report.unitId);
  const { position, siteId } = report;
  const isZero = position?.latitudeDeg === 0 && position.longitudeDeg === 0;
  const said = position === undefined || isZero ? {} : { position };
  if (siteId === undefined) return { ...said, isZero };
  const site = await trx
    .selectFrom("sites")
    .select(["latitude_deg", "longitude_deg"])
    .where("id", "=", siteId)
    .executeTakeFirst();
  if (site === undefined) {
    throw new BridgeError("SITE_UNKNOWN", `there is no site ${siteId}`, {
      status: 422,
      hint: "GET /api/v1/sites lists them; leave siteId out where the place is no site.",
    });
  }
  const ofSite =
    site.latitude_deg === null || site.longitude_deg === null
      ? {}
      : { position: { latitudeDeg: site.latitude_deg, longitudeDeg: site.longitude_deg } };
  return { siteId, ...ofSite, ...said, isZero };
}

/** What is done to a report; the shape is that of the API's ReportAct. */
export type ReportActRequest =
  | { readonly act: "supplement"; readonly cause: string }
  /** The source has its result. */
  | { readonly act: "result-taken" }
  /** Somebody who did not handle the case asked the reporter. */
  | {
      readonly act: "call-back";
      readonly isResolved: boolean;
      readonly satisfaction?: number;
      readonly cause?: string;
    };

/** @throws BridgeError REPORT_UNKNOWN, REPORT_UNANSWERED, CLOSER_IS_HANDLER, CASE_CREWED */
export async function actOnReport(
  change: Change,
  actor: Actor,
  reportId: string,
  request: ReportActRequest,
  settings: DeskSettings,
): Promise<void> {
  const report = await loadReport(change.trx, reportId);
  const row = await loadCase(change.trx, report.case_id);
  const detail = { reportId, source: report.source, externalId: report.external_id };
  const entry: NewEntry = {
    kind: request.act,
    actor: actor.name,
    channel: "api",
    detail,
    ...("cause" in request && request.cause !== undefined ? { cause: request.cause } : {}),
  };
  switch (request.act) {
    case "supplement":
      return note(change, row.id, entry);
    case "result-taken":
      if (report.result_at_ms === null) {
        throw new BridgeError("REPORT_UNANSWERED", "this report has no result yet", {
          status: 409,
          hint: "Its case is still open; `result` appears with its end.",
        });
      }
      if (report.result_taken_at_ms !== null) return;
      await change.trx
        .updateTable("reports")
        .set({ result_taken_at_ms: change.nowMs })
        .where("id", "=", reportId)
        .execute();
      return note(change, row.id, entry);
    case "call-back":
      return callBack(change, row, actor, reportId, request, entry, settings);
  }
}

/**
 * The reporter's word. Who says that it is not over brings the case back; where every reporter who was asked says that it
 * is, an event that its crew called resolved is closed by that.
 */
async function callBack(
  change: Change,
  before: CaseRow,
  actor: Actor,
  reportId: string,
  { isResolved, satisfaction }: Extract<ReportActRequest, { act: "call-back" }>,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<void> {
  if (handlersOf(before).includes(actor.name)) {
    throw new BridgeError("CLOSER_IS_HANDLER", `${actor.name} worked on case ${before.number} and cannot call back`, {
      status: 403,
      hint: "Somebody who did not handle the case asks the reporter.",
    });
  }
  await change.trx
    .updateTable("reports")
    .set({
      called_back_at_ms: change.nowMs,
      called_back_by: actor.name,
      is_resolved: isResolved ? 1 : 0,
      satisfaction: satisfaction ?? null,
    })
    .where("id", "=", reportId)
    .execute();
  const rated = satisfaction === undefined ? {} : { satisfaction };
  const said = { ...entry, detail: { ...entry.detail, isResolved, ...rated } };
  const row = satisfaction === undefined ? before : await amend(change, before, { satisfaction });
  const isWaiting = row.state === "resolved" || row.state === "verifying";
  if (!isResolved) {
    if (isEnded(stateNamed(row.state)) && row.state !== "merged") {
      await planDispatch(change, await move(change, row, "reopen", said, { late: 0 }), settings);
    } else if (isWaiting) await bringBack(change, row, said, settings);
    else await note(change, row.id, said);
    return;
  }
  const asked = (await reportsOfCase(change.trx, row.id)).filter(({ is_resolved }) => is_resolved !== null);
  const isWhole = (await openParts(change.trx, row.id)).length === 0;
  const isClosing = row.nature === "event" && isWaiting && isWhole && asked.every((report) => report.is_resolved === 1);
  if (!isClosing) return note(change, row.id, said);
  await move(change, row, "close", said, { waiting_for: "[]", auto_dispatch_at_ms: null });
}

/** @throws BridgeError POSITION_ZERO, CASE_ENDED */
export async function locate(
  change: Change,
  before: CaseRow,
  actor: Actor,
  where: {
    readonly position: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
    readonly address?: string;
    readonly gridCell?: string;
  },
  settings: DeskSettings,
): Promise<void> {
  const { position, address, gridCell } = where;
  if (position.latitudeDeg === 0 && position.longitudeDeg === 0) {
    throw new BridgeError("POSITION_ZERO", "0, 0 is no place of a case", {
      status: 422,
      hint: "Give WGS-84 coordinates; leave the case where it is until its place is known.",
    });
  }
  const old = positionOf(before);
  const [answering] = await responsibleUnits(change.trx, before.site_id, position);
  const row = await amend(change, before, {
    latitude_deg: position.latitudeDeg,
    longitude_deg: position.longitudeDeg,
    accuracy_m: position.accuracyM ?? null,
    grid_cell: gridCell ?? gridCellOf(position),
    address: address ?? before.address,
    unit_id: before.unit_id ?? answering?.unitId ?? null,
    to_locate: 0,
  });
  await joinPlaceUnits(change, row);
  const detail = { ...(old === undefined ? {} : { before: old }) };
  await note(change, row.id, {
    kind: "located",
    actor: actor.name,
    channel: "console",
    position,
    ...(address === undefined ? {} : { cause: address }),
    detail,
  });
  await planDispatch(change, row, settings);
}

import type { Selectable } from "kysely";
import type { WhistleLegsTable, WhistlesTable } from "../store/casework-tables.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { given } from "./report-rows.ts";

export type WhistleRow = Selectable<WhistlesTable>;
export type WhistleLegRow = Selectable<WhistleLegsTable>;

/**
 * `filed`: waits for the district's review · `started`: the departments are called · `handled`: every leg has ended ·
 * `returned`: each said that it is not its duty · `archived`: rated and put away.
 */
export const WHISTLE_STATES = ["filed", "rejected", "started", "handled", "returned", "withdrawn", "archived"] as const;
export type WhistleState = (typeof WHISTLE_STATES)[number];

export const LEG_STATES = ["waiting", "called", "received", "on-scene", "handled", "returned", "withdrawn"] as const;
export type LegState = (typeof LEG_STATES)[number];

/** Shape of the API's WhistleLegView. */
export interface WhistleLegFacts {
  readonly id: string;
  readonly unitId: string;
  readonly isLead: boolean;
  readonly state: LegState;
  readonly dueSceneAtMs?: number;
  readonly dueHandleAtMs?: number;
  readonly receivedAtMs?: number;
  readonly receivedBy?: string;
  readonly onSceneAtMs?: number;
  readonly onSceneBy?: string;
  readonly endedAtMs?: number;
  readonly endedBy?: string;
  readonly result?: string;
  readonly isSceneOverdue: boolean;
  readonly isHandleOverdue: boolean;
  /** Of the department, by who whistled; and the other way round. */
  readonly ratingOfUnit?: { readonly rating: number; readonly by: string; readonly text?: string };
  readonly ratingOfCaller?: { readonly rating: number; readonly by: string; readonly text?: string };
}

/** Shape of the API's WhistleView. */
export interface WhistleFacts {
  readonly id: string;
  readonly fileNumber: string;
  readonly caseId: string;
  readonly kind: string;
  readonly catalogue: string;
  readonly catalogueVersion: string;
  readonly fromUnitId: string;
  readonly leadUnitId: string;
  /** Help across streets, or across districts. */
  readonly aid?: "street" | "district";
  readonly text: string;
  readonly state: WhistleState;
  readonly blownBy: string;
  readonly blownAtMs: number;
  readonly reviewedBy?: string;
  readonly reviewedAtMs?: number;
  readonly opinion?: string;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  readonly legs: WhistleLegFacts[];
}

/** @throws BridgeError WHISTLE_UNKNOWN */
export async function loadWhistle(db: Db | Trx, id: string): Promise<WhistleRow> {
  const row = await db.selectFrom("whistles").selectAll().where("id", "=", id).executeTakeFirst();
  if (row !== undefined) return row;
  throw new BridgeError("WHISTLE_UNKNOWN", `there is no whistle ${id}`, {
    status: 404,
    hint: "GET /api/v1/whistles lists them.",
  });
}

/** The lead's leg first. */
export async function legsOfWhistle(db: Db | Trx, whistleId: string): Promise<readonly WhistleLegRow[]> {
  return db
    .selectFrom("whistle_legs")
    .selectAll()
    .where("whistle_id", "=", whistleId)
    .orderBy("is_lead", "desc")
    .orderBy("unit_id")
    .execute();
}

export async function whistleFacts(db: Db | Trx, row: WhistleRow): Promise<WhistleFacts> {
  const legs = await legsOfWhistle(db, row.id);
  return {
    id: row.id,
    fileNumber: row.file_number,
    caseId: row.case_id,
    kind: row.kind,
    catalogue: row.catalogue,
    catalogueVersion: row.catalogue_version,
    fromUnitId: row.from_unit_id,
    leadUnitId: row.lead_unit_id,
    ...(row.aid === "street" || row.aid === "district" ? { aid: row.aid } : {}),
    text: row.text,
    state: WHISTLE_STATES.find((state) => state === row.state) ?? "filed",
    blownBy: row.blown_by,
    blownAtMs: row.blown_at_ms,
    ...given({
      reviewedBy: row.reviewed_by,
      reviewedAtMs: row.reviewed_at_ms,
      opinion: row.opinion,
      startedAtMs: row.started_at_ms,
      endedAtMs: row.ended_at_ms,
    }),
    legs: legs.map(legFacts),
  };
}

export async function whistlesOfCase(trx: Db | Trx, caseId: string): Promise<readonly WhistleRow[]> {
  return trx
    .selectFrom("whistles")
    .selectAll()
    .where("case_id", "=", caseId)
    .orderBy("blown_at_ms")
    .orderBy("id")
    .execute();
}

/** File numbers of whistles of a case that are not over. */
export async function openWhistles(trx: Db | Trx, caseId: string): Promise<readonly string[]> {
  const rows = await whistlesOfCase(trx, caseId);
  return rows.filter(({ state }) => state === "filed" || state === "started").map(({ file_number }) => file_number);
}

function legFacts(row: WhistleLegRow): WhistleLegFacts {
  const ofUnit = rated(row.rating_of_unit, row.rating_of_unit_by, row.rating_of_unit_text);
  const ofCaller = rated(row.rating_of_caller, row.rating_of_caller_by, row.rating_of_caller_text);
  return {
    id: row.id,
    unitId: row.unit_id,
    isLead: row.is_lead === 1,
    state: LEG_STATES.find((state) => state === row.state) ?? "waiting",
    ...given({
      dueSceneAtMs: row.due_scene_at_ms,
      dueHandleAtMs: row.due_handle_at_ms,
      receivedAtMs: row.received_at_ms,
      receivedBy: row.received_by,
      onSceneAtMs: row.on_scene_at_ms,
      onSceneBy: row.on_scene_by,
      endedAtMs: row.ended_at_ms,
      endedBy: row.ended_by,
      result: row.result,
    }),
    isSceneOverdue: row.scene_overdue === 1,
    isHandleOverdue: row.handle_overdue === 1,
    ...(ofUnit === undefined ? {} : { ratingOfUnit: ofUnit }),
    ...(ofCaller === undefined ? {} : { ratingOfCaller: ofCaller }),
  };
}

function rated(rating: number | null, by: string | null, text: string | null) {
  return rating === null || by === null ? undefined : { rating, by, ...given({ text }) };
}

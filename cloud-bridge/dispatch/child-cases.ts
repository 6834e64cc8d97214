import { type CaseRow, type Change, note } from "../cases/case-rows.ts";
import { joinPlaceUnits, joinUnit } from "../cases/case-units.ts";
import { categoryNamed } from "../cases/catalogue.ts";
import { catalogueInForce } from "../cases/catalogue-rows.ts";
import { categoryFacts, newCaseRow } from "../cases/new-case.ts";
import { planDispatch } from "../cases/plan-dispatch.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { findUnit } from "../roster/units.ts";
import type { Actor } from "./actor.ts";

/** A part of a case with a life, times and a unit of its own. The case is not closed before it. */
export interface ChildRequest {
  readonly title: string;
  readonly cause: string;
  readonly category?: string;
  readonly unitId?: string;
}

/** @throws BridgeError CATEGORY_UNKNOWN, UNIT_UNKNOWN */
export async function openChild(
  change: Change,
  actor: Actor,
  parent: CaseRow,
  request: ChildRequest,
  settings: DeskSettings,
): Promise<void> {
  const { trx, nowMs } = change;
  const catalogue = await catalogueInForce(trx, nowMs);
  const code = request.category ?? undefined;
  const category = code === undefined ? undefined : categoryNamed(catalogue, code);
  if (request.unitId !== undefined) await findUnit(trx, request.unitId);
  const row = await newCaseRow(trx, nowMs, {
    ...categoryFacts(catalogue, category),
    family: "report",
    nature: "event",
    title: request.title,
    rule: category?.code ?? "report",
    node: "",
    last_alarm_at_ms: nowMs,
    severity: category?.severity ?? "normal",
    parent_id: parent.id,
    description: request.cause,
    unit_id: request.unitId ?? parent.unit_id,
    site_id: parent.site_id,
    latitude_deg: parent.latitude_deg,
    longitude_deg: parent.longitude_deg,
    accuracy_m: parent.accuracy_m,
    address: parent.address,
    grid_cell: parent.grid_cell,
    to_locate: parent.latitude_deg === null ? 1 : 0,
    found_by: parent.found_by,
  });
  await trx.insertInto("cases").values(row).execute();
  if (request.unitId !== undefined) await joinUnit(change, row.id, request.unitId, "child");
  await joinPlaceUnits(change, row);
  const said = { actor: actor.name, channel: "console", cause: request.cause } as const;
  await note(change, row.id, { kind: "opened", ...said, detail: { parentId: parent.id, parentNumber: parent.number } });
  const detail = { caseId: row.id, number: row.number, title: row.title };
  await note(change, parent.id, { kind: "child-opened", ...said, detail });
  await planDispatch(change, row, settings);
}

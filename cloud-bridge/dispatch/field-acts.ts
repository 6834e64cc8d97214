import { amend, type CaseRow, type Change, note } from "../cases/case-rows.ts";
import { joinUnit } from "../cases/case-units.ts";
import { categoryNamed, slaOf } from "../cases/catalogue.ts";
import { catalogueInForce } from "../cases/catalogue-rows.ts";
import { startClocks } from "../cases/clocks.ts";
import { categoryFacts, FOUND_BY, type FoundBy } from "../cases/new-case.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { findUnit } from "../roster/units.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { locate } from "./reports.ts";

type Point = { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };

/** Acts that change what is known of a case and move nothing; shapes are those of the API's CaseAct. */
export type FieldActRequest =
  | { readonly act: "locate"; readonly position: Point; readonly address?: string; readonly gridCell?: string }
  | { readonly act: "categorise"; readonly category: string; readonly cause?: string }
  | { readonly act: "transfer"; readonly unitId: string; readonly cause: string }
  | {
      readonly act: "outcome";
      /** What was found and done, as its reporters will read it. */
      readonly outcome?: string;
      readonly ground?: string;
      readonly penaltyNumber?: string;
      readonly fineCny?: number;
      readonly foundBy?: FoundBy;
    };

const FIELD_ACTS = ["locate", "categorise", "transfer", "outcome"] as const;

export function isFieldAct(request: { readonly act: string }): request is FieldActRequest {
  return FIELD_ACTS.some((act) => act === request.act);
}

/** @throws BridgeError CASE_ENDED, POSITION_ZERO, CATEGORY_UNKNOWN, UNIT_UNKNOWN, GROUND_UNKNOWN */
export async function actOnFields(
  change: Change,
  actor: Actor,
  row: CaseRow,
  request: FieldActRequest,
  settings: DeskSettings,
): Promise<void> {
  if (request.act !== "outcome" && isEnded(stateNamed(row.state))) {
    throw new BridgeError("CASE_ENDED", `case ${row.number} is ${row.state}`, {
      status: 409,
      hint: "Only its outcome can still be written down; reopen it to change more.",
    });
  }
  const entry: NewEntry = { kind: request.act, actor: actor.name, channel: "console" };
  switch (request.act) {
    case "locate":
      return locate(change, row, actor, request, settings);
    case "categorise":
      return categorise(change, row, request, entry, settings);
    case "transfer":
      await findUnit(change.trx, request.unitId);
      await joinUnit(change, row.id, request.unitId, "transfer");
      await amend(change, row, { unit_id: request.unitId });
      return note(change, row.id, {
        ...entry,
        cause: request.cause,
        detail: { unitId: request.unitId, before: row.unit_id },
      });
    case "outcome":
      return writeOutcome(change, row, request, entry);
  }
}

/** Another category has other times, counted from the same beginning. */
async function categorise(
  change: Change,
  row: CaseRow,
  { category: code, cause }: Extract<FieldActRequest, { act: "categorise" }>,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<void> {
  const catalogue = await catalogueInForce(change.trx, change.nowMs);
  const category = categoryNamed(catalogue, code);
  const known = await amend(change, row, { ...categoryFacts(catalogue, category), severity: category.severity });
  const detail = { category: code, before: row.category, sla: slaOf(catalogue, category).code };
  await note(change, row.id, { ...entry, ...(cause === undefined ? {} : { cause }), detail });
  if (row.due_total_at_ms !== null && row.clock_paused_at_ms === null) {
    await startClocks(change, known, settings, row.opened_at_ms);
  }
}

async function writeOutcome(
  change: Change,
  row: CaseRow,
  request: Extract<FieldActRequest, { act: "outcome" }>,
  entry: NewEntry,
): Promise<void> {
  const { act: _, ...facts } = request;
  if (facts.ground !== undefined) {
    const { grounds, name, version } = await catalogueInForce(change.trx, change.nowMs);
    if (!grounds.some(({ code }) => code === facts.ground)) {
      throw new BridgeError("GROUND_UNKNOWN", `${name} ${version} has no legal ground ${facts.ground}`, {
        status: 422,
        hint: "GET /api/v1/catalogues/current lists the grounds in force.",
      });
    }
  }
  await amend(change, row, {
    outcome: facts.outcome ?? row.outcome,
    ground: facts.ground ?? row.ground,
    penalty_number: facts.penaltyNumber ?? row.penalty_number,
    fine_cny: facts.fineCny ?? row.fine_cny,
    found_by: FOUND_BY.find((name) => name === facts.foundBy) ?? row.found_by,
  });
  await note(change, row.id, { ...entry, detail: facts });
}

import { responsibleUnits } from "../roster/responsible.ts";
import type { Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";
import { type CaseRow, type Change, positionOf, touch } from "./case-rows.ts";

/**
 * Gives a unit its part in a case: from now on the unit, and all above it, see the case, in lists and on the event stream.
 * Once is enough, whatever the reason.
 * @param why `site`, `area`, `crew`, or a word of the room that gives the part
 */
export async function joinUnit(change: Change, caseId: string, unitId: string, why: string): Promise<void> {
  await change.trx
    .insertInto("case_units")
    .values({ case_id: caseId, unit_id: unitId, why, since_ms: change.nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  touch(change, caseId);
}

/** Those who answer for the place of a case; to be called again when it gets a site or a position. */
export async function joinPlaceUnits(change: Change, row: CaseRow): Promise<void> {
  for (const { unitId, why } of await responsibleUnits(change.trx, row.site_id, positionOf(row))) {
    await joinUnit(change, row.id, unitId, why);
  }
}

/** The unit of a crew that is sent. */
export async function joinCrewUnit(change: Change, caseId: string, crewId: string): Promise<void> {
  const crew = await change.trx.selectFrom("crews").select("unit_id").where("id", "=", crewId).executeTakeFirst();
  if (crew !== undefined) await joinUnit(change, caseId, crew.unit_id, "crew");
}

/** In the order in which they came. */
export async function unitIdsOf(trx: Trx, caseId: string): Promise<string[]> {
  return (await unitsOfCase(trx, { caseId })).rows.map(({ unit_id }) => unit_id);
}

const unitsOfCase = prepared((db, { caseId }: { caseId: string }) =>
  db.selectFrom("case_units").select("unit_id").where("case_id", "=", caseId).orderBy("since_ms").orderBy("unit_id"),
);

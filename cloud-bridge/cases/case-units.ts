import { responsibleUnits } from "../roster/responsible.ts";
import type { Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";
import { amend, type CaseRow, type Change, positionOf, touch } from "./case-rows.ts";

/**
 * Gives a unit its part in a case: from now on the unit, and all above it, see the case, in lists and on the event stream.
 * Once is enough, whatever the reason.
 * @param why `site`, `area`, `crew`, or a word of the room that gives the part
 */
export async function joinUnit(change: Change, caseId: string, unitId: string, why: string): Promise<void> {
  const { numInsertedOrUpdatedRows: added } = await change.trx
    .insertInto("case_units")
    .values({ case_id: caseId, unit_id: unitId, why, since_ms: change.nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (added !== 0n) touch(change, caseId);
}

/**
 * Those who answer for the place of a case; to be called again when it gets a site or a position.
 * @returns the first of them
 */
export async function joinPlaceUnits(change: Change, row: CaseRow): Promise<string | undefined> {
  const answering = await responsibleUnits(change.trx, row.site_id, positionOf(row));
  for (const { unitId, why } of answering) await joinUnit(change, row.id, unitId, why);
  return answering[0]?.unitId;
}

/** Of a place that changes so many cases are looked at; the rest find their unit when they are next moved. */
const AT_ONCE = 500;

/** A site has a unit now, or a unit its ground: open cases that nobody answered for find who does. */
export async function rejoinPlaces(change: Change, siteId?: string): Promise<void> {
  const rows = await change.trx
    .selectFrom("cases")
    .selectAll()
    .where("closed_at_ms", "is", null)
    .where((or) => or.or([or("unit_id", "is", null), or("site_id", "=", siteId ?? "")]))
    .orderBy("number", "desc")
    .limit(AT_ONCE)
    .execute();
  for (const row of rows) {
    const unitId = await joinPlaceUnits(change, row);
    if (row.unit_id === null && unitId !== undefined) await amend(change, row, { unit_id: unitId });
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

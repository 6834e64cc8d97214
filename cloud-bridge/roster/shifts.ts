import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { ShiftsTable } from "../store/roster-tables.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { findUnit, type Precondition, unknownUnit } from "./units.ts";

/** A part of the day that crews of a unit work in turn, by the wall clock of its calendar: `22:00` to `06:00` ends next day. */
export interface ShiftFacts {
  readonly id: string;
  readonly unitId: string;
  readonly name: string;
  readonly starts: string;
  readonly ends: string;
}

/**
 * Makes a shift or changes it; duties that were planned with it keep their times.
 * @throws BridgeError UNIT_UNKNOWN
 */
export async function putShift(
  db: Db,
  shift: ShiftFacts,
  precondition: Precondition<ShiftFacts> = () => {},
): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    const row = await trx.selectFrom("shifts").selectAll().where("id", "=", shift.id).executeTakeFirst();
    precondition(row === undefined ? undefined : shiftOf(row));
    await findUnit(trx, shift.unitId).catch(() => {
      throw unknownUnit(shift.unitId, 422);
    });
    const set = { unit_id: shift.unitId, name: shift.name, starts: shift.starts, ends: shift.ends };
    await trx
      .insertInto("shifts")
      .values({ id: shift.id, ...set })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(set))
      .execute();
  });
}

export async function listShifts(db: Db | Trx): Promise<readonly ShiftFacts[]> {
  return (await db.selectFrom("shifts").selectAll().orderBy("id").execute()).map(shiftOf);
}

/** @throws BridgeError SHIFT_UNKNOWN */
export async function findShift(db: Db | Trx, id: string, status = 404): Promise<ShiftFacts> {
  const row = await db.selectFrom("shifts").selectAll().where("id", "=", id).executeTakeFirst();
  if (row !== undefined) return shiftOf(row);
  throw new BridgeError("SHIFT_UNKNOWN", `there is no shift ${id}`, {
    status,
    hint: "GET /api/v1/shifts lists them.",
  });
}

/** @throws BridgeError SHIFT_UNKNOWN */
export async function removeShift(
  db: Db,
  id: string,
  precondition: Precondition<ShiftFacts> = () => {},
): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    precondition(await findShift(trx, id));
    await trx.deleteFrom("shifts").where("id", "=", id).execute();
  });
}

function shiftOf(row: Selectable<ShiftsTable>): ShiftFacts {
  return { id: row.id, unitId: row.unit_id, name: row.name, starts: row.starts, ends: row.ends };
}

import { randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import { localTimeToUtcMs } from "../../protocol/local-time.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { DutiesTable } from "../store/roster-tables.ts";
import { calendarOfUnit } from "./calendars.ts";
import { findCrew, unknownCrew } from "./crews.ts";
import { findShift } from "./shifts.ts";

/** One crew on duty, as planned. */
export interface DutyFacts {
  readonly id: string;
  readonly crewId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly shiftId?: string;
}

export type NewDuty =
  | { readonly crewId: string; readonly fromMs: number; readonly toMs: number }
  /** A shift on a local date, `2026-11-25`: over midnight it ends on the next. */
  | { readonly crewId: string; readonly shiftId: string; readonly date: string };

/**
 * Puts a crew on duty.
 * @param timeZone of whoever goes by no calendar
 * @throws BridgeError CREW_UNKNOWN, SHIFT_UNKNOWN, DUTY_EMPTY
 */
export async function addDuty(db: Db | Trx, duty: NewDuty, timeZone = "Asia/Shanghai"): Promise<DutyFacts> {
  await findCrew(db, duty.crewId).catch(() => {
    throw unknownCrew(duty.crewId, 422);
  });
  const { fromMs, toMs, shiftId } = "shiftId" in duty ? await timesOf(db, duty, timeZone) : { ...duty, shiftId: null };
  if (toMs <= fromMs) throw emptyDuty("a duty must end after it begins");
  const row = { id: randomUUID(), crew_id: duty.crewId, from_ms: fromMs, to_ms: toMs, shift_id: shiftId };
  await db.insertInto("duties").values(row).execute();
  return dutyOf(row);
}

async function timesOf(db: Db | Trx, duty: Extract<NewDuty, { shiftId: string }>, timeZone: string) {
  const shift = await findShift(db, duty.shiftId, 422);
  const zone = (await calendarOfUnit(db, shift.unitId, timeZone)).timeZone;
  const fromMs = localTimeToUtcMs(`${duty.date}T${shift.starts}`, zone);
  const endDate = shift.ends > shift.starts ? duty.date : dayAfter(duty.date);
  const toMs = localTimeToUtcMs(`${endDate}T${shift.ends}`, zone);
  if (fromMs === undefined || toMs === undefined) throw emptyDuty(`there is no day ${duty.date}`);
  return { fromMs, toMs, shiftId: shift.id };
}

function emptyDuty(message: string): BridgeError {
  return new BridgeError("DUTY_EMPTY", message, {
    status: 422,
    hint: "Give `toMs` later than `fromMs`, both UTC in milliseconds, or a shift and a date that exists.",
  });
}

/** No such date stays none. */
function dayAfter(date: string): string {
  const atMs = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(atMs) ? date : new Date(atMs + 86_400_000).toISOString().slice(0, 10);
}

/** Duties that touch a time, in order of their beginning. */
export async function listDuties(
  db: Db | Trx,
  range: { readonly fromMs: number; readonly toMs: number; readonly crewId?: string },
): Promise<readonly DutyFacts[]> {
  let rows = db
    .selectFrom("duties")
    .selectAll()
    .where("to_ms", ">", range.fromMs)
    .where("from_ms", "<", range.toMs)
    .orderBy("from_ms")
    .orderBy("id");
  if (range.crewId !== undefined) rows = rows.where("crew_id", "=", range.crewId);
  return (await rows.execute()).map(dutyOf);
}

/** @throws BridgeError DUTY_UNKNOWN */
export async function findDuty(db: Db | Trx, id: string): Promise<DutyFacts> {
  const row = await db.selectFrom("duties").selectAll().where("id", "=", id).executeTakeFirst();
  if (row !== undefined) return dutyOf(row);
  throw new BridgeError("DUTY_UNKNOWN", `there is no duty ${id}`, {
    status: 404,
    hint: "GET /api/v1/rosters lists them.",
  });
}

/** @throws BridgeError DUTY_UNKNOWN */
export async function removeDuty(db: Db | Trx, id: string): Promise<void> {
  await findDuty(db, id);
  await db.deleteFrom("duties").where("id", "=", id).execute();
}

function dutyOf(row: Selectable<DutiesTable>): DutyFacts {
  return {
    id: row.id,
    crewId: row.crew_id,
    fromMs: row.from_ms,
    toMs: row.to_ms,
    ...(row.shift_id === null ? {} : { shiftId: row.shift_id }),
  };
}

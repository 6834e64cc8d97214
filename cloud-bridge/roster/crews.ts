import { randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { CrewsTable } from "../store/roster-tables.ts";
import { unknownUnit } from "./units.ts";

/** People of one unit with vehicle and radio. The gateway in its vehicle is `vehicleNode`. */
export interface CrewFacts {
  readonly id: string;
  readonly name: string;
  readonly unitId: string;
  readonly vehicleNode?: string;
  readonly radioIssi?: string;
}

export interface DutyFacts {
  readonly id: string;
  readonly crewId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Makes a crew or changes it; what it is doing stays.
 * @throws BridgeError UNIT_UNKNOWN
 */
export async function putCrew(db: Db, crew: CrewFacts): Promise<void> {
  const unit = await db.selectFrom("units").select("id").where("id", "=", crew.unitId).executeTakeFirst();
  if (unit === undefined) throw unknownUnit(crew.unitId, 422);
  const row = {
    name: crew.name,
    unit_id: crew.unitId,
    vehicle_node: crew.vehicleNode ?? null,
    radio_issi: crew.radioIssi ?? null,
  };
  await db
    .insertInto("crews")
    .values({ id: crew.id, ...row })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
    .execute();
}

export function crewOf(row: Selectable<CrewsTable>): CrewFacts {
  return {
    id: row.id,
    name: row.name,
    unitId: row.unit_id,
    ...(row.vehicle_node === null ? {} : { vehicleNode: row.vehicle_node }),
    ...(row.radio_issi === null ? {} : { radioIssi: row.radio_issi }),
  };
}

/**
 * Puts a crew on duty.
 * @throws BridgeError CREW_UNKNOWN, DUTY_EMPTY
 */
export async function addDuty(db: Db, duty: Omit<DutyFacts, "id">): Promise<DutyFacts> {
  if (duty.toMs <= duty.fromMs) {
    throw new BridgeError("DUTY_EMPTY", "a duty must end after it begins", {
      status: 422,
      hint: "Give `toMs` later than `fromMs`, both UTC in milliseconds.",
    });
  }
  const crew = await db.selectFrom("crews").select("id").where("id", "=", duty.crewId).executeTakeFirst();
  if (crew === undefined) throw unknownCrew(duty.crewId);
  const id = randomUUID();
  await db.insertInto("duties").values({ id, crew_id: duty.crewId, from_ms: duty.fromMs, to_ms: duty.toMs }).execute();
  return { id, ...duty };
}

export async function listDuties(db: Db, range: { fromMs: number; toMs: number }): Promise<readonly DutyFacts[]> {
  const rows = await db
    .selectFrom("duties")
    .selectAll()
    .where("to_ms", ">", range.fromMs)
    .where("from_ms", "<", range.toMs)
    .orderBy("from_ms")
    .limit(1000)
    .execute();
  return rows.map((row) => ({ id: row.id, crewId: row.crew_id, fromMs: row.from_ms, toMs: row.to_ms }));
}

export function unknownCrew(crewId: string): BridgeError {
  return new BridgeError("CREW_UNKNOWN", `there is no crew ${crewId}`, {
    status: 404,
    hint: "GET /api/v1/crews lists them.",
  });
}

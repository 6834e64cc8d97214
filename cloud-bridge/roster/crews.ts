import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { CrewsTable } from "../store/roster-tables.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { type Area, storedAreas } from "./areas.ts";
import { assertPeople, storedCodes } from "./people.ts";
import { findUnit, type Precondition, unknownUnit } from "./units.ts";

/** People of one or more units with vehicle and radio. The gateway in its vehicle is `vehicleNode`. */
export interface CrewFacts {
  readonly id: string;
  readonly name: string;
  /** The unit that sends it; its members may belong to others. */
  readonly unitId: string;
  readonly vehicleNode?: string;
  readonly radioIssi?: string;
  readonly phone?: string;
  /** Who mostly goes along; a filing says who really does. */
  readonly memberIds?: string[];
  readonly skills?: string[];
  /** Where it mostly works; its unit's ground where left out. */
  readonly areas?: Area[];
  /** Why nobody can be sent, e.g. a broken car. */
  readonly unavailable?: string;
}

/**
 * Makes a crew or changes it; what it is doing stays, what is left out is taken away.
 * @throws BridgeError UNIT_UNKNOWN, PERSON_UNKNOWN
 */
export async function putCrew(
  db: Db,
  crew: CrewFacts,
  precondition: Precondition<CrewFacts> = () => {},
): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    precondition(await crewById(trx, crew.id));
    await findUnit(trx, crew.unitId).catch(() => {
      throw unknownUnit(crew.unitId, 422);
    });
    const memberIds = [...new Set(crew.memberIds)];
    await assertPeople(trx, memberIds);
    const row = {
      name: crew.name,
      unit_id: crew.unitId,
      vehicle_node: crew.vehicleNode ?? null,
      radio_issi: crew.radioIssi ?? null,
      phone: crew.phone ?? null,
      skills: JSON.stringify(crew.skills ?? []),
      areas: JSON.stringify(crew.areas ?? []),
      status: crew.unavailable === undefined ? "available" : "unavailable",
      status_cause: crew.unavailable ?? null,
    };
    await trx
      .insertInto("crews")
      .values({ id: crew.id, ...row })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
      .execute();
    await trx.deleteFrom("crew_members").where("crew_id", "=", crew.id).execute();
    const members = memberIds.map((person_id) => ({ crew_id: crew.id, person_id }));
    if (members.length > 0) await trx.insertInto("crew_members").values(members).execute();
  });
}

/** @throws BridgeError CREW_UNKNOWN, CREW_IN_USE */
export async function removeCrew(db: Db, id: string, precondition: Precondition<CrewFacts> = () => {}): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    precondition(await findCrew(trx, id));
    const users = await Promise.all([
      trx.selectFrom("assignments").select("id").where("crew_id", "=", id).limit(1).execute(),
      trx.selectFrom("duties").select("id").where("crew_id", "=", id).limit(1).execute(),
      trx.selectFrom("filings").select("id").where("crew_id", "=", id).limit(1).execute(),
      trx.selectFrom("accounts").select("id").where("crew_id", "=", id).limit(1).execute(),
    ]);
    const held = ["assignments", "duties", "filings", "accounts"].filter((_, index) => users[index]?.length === 1);
    if (held.length > 0) {
      throw new BridgeError("CREW_IN_USE", `crew ${id} has or had ${held.join(", ")}`, {
        status: 409,
        hint: "What it did stays on record: say why it cannot be sent (`unavailable`) instead.",
      });
    }
    await trx.deleteFrom("crew_members").where("crew_id", "=", id).execute();
    await trx.deleteFrom("crew_positions").where("crew_id", "=", id).execute();
    await trx.deleteFrom("crews").where("id", "=", id).execute();
  });
}

/** @throws BridgeError CREW_UNKNOWN */
export async function findCrew(db: Db | Trx, id: string): Promise<CrewFacts> {
  const crew = await crewById(db, id);
  if (crew === undefined) throw unknownCrew(id);
  return crew;
}

async function crewById(db: Db | Trx, id: string): Promise<CrewFacts | undefined> {
  const row = await db.selectFrom("crews").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) return undefined;
  const members = await membersInService(db)
    .where("crew_members.crew_id", "=", id)
    .orderBy("crew_members.person_id")
    .execute();
  return crewOf(
    row,
    members.map(({ person_id }) => person_id),
  );
}

/** Whoever has left goes along no more: a crew that still named him could neither be changed nor filed. */
function membersInService(db: Db | Trx) {
  return db
    .selectFrom("crew_members")
    .innerJoin("people", "people.id", "crew_members.person_id")
    .select(["crew_members.crew_id", "crew_members.person_id"])
    .where("people.left_at_ms", "is", null);
}

/** Ids of the usual members, by crew. */
export async function membersByCrew(db: Db | Trx): Promise<ReadonlyMap<string, string[]>> {
  const members = new Map<string, string[]>();
  for (const { crew_id, person_id } of await membersInService(db)
    .orderBy("crew_members.crew_id")
    .orderBy("crew_members.person_id")
    .execute()) {
    members.set(crew_id, [...(members.get(crew_id) ?? []), person_id]);
  }
  return members;
}

export function crewOf(row: Selectable<CrewsTable>, memberIds: string[]): CrewFacts {
  const [areas, skills] = [storedAreas(row.areas), storedCodes(row.skills)];
  return {
    id: row.id,
    name: row.name,
    unitId: row.unit_id,
    ...(row.vehicle_node === null ? {} : { vehicleNode: row.vehicle_node }),
    ...(row.radio_issi === null ? {} : { radioIssi: row.radio_issi }),
    ...(row.phone === null ? {} : { phone: row.phone }),
    ...(memberIds.length === 0 ? {} : { memberIds }),
    ...(skills.length === 0 ? {} : { skills }),
    ...(areas.length === 0 ? {} : { areas }),
    ...(row.status === "available" ? {} : { unavailable: row.status_cause ?? row.status }),
  };
}

/** @param status 422 where a request names it, 404 where it is what was asked for */
export function unknownCrew(crewId: string, status = 404): BridgeError {
  return new BridgeError("CREW_UNKNOWN", `there is no crew ${crewId}`, {
    status,
    hint: "GET /api/v1/crews lists them.",
  });
}

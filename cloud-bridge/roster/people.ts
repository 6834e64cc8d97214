import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { PeopleTable } from "../store/roster-tables.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { findUnit, type Precondition, unknownUnit } from "./units.ts";

/** Somebody who works for a unit, mostly a department. */
export interface PersonFacts {
  readonly id: string;
  readonly name: string;
  readonly unitId: string;
  /** Number of the enforcement certificate. */
  readonly badge?: string;
  readonly phone?: string;
  /** The handset that is theirs; a filing may name another. */
  readonly radioIssi?: string;
  /** Category codes, see authority.ts. */
  readonly authority?: string[];
  readonly leftAtMs?: number;
}

/**
 * Makes a person or changes it; what is left out is taken away.
 * @throws BridgeError UNIT_UNKNOWN
 */
export async function putPerson(
  db: Db,
  person: PersonFacts,
  precondition: Precondition<PersonFacts> = () => {},
): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    precondition(await personById(trx, person.id));
    await findUnit(trx, person.unitId).catch(() => {
      throw unknownUnit(person.unitId, 422);
    });
    const row = {
      name: person.name,
      unit_id: person.unitId,
      badge: person.badge ?? null,
      phone: person.phone ?? null,
      radio_issi: person.radioIssi ?? null,
      authority: JSON.stringify(person.authority ?? []),
      left_at_ms: person.leftAtMs ?? null,
    };
    await trx
      .insertInto("people")
      .values({ id: person.id, ...row })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
      .execute();
  });
}

/** In order of id. */
export async function listPeople(db: Db | Trx): Promise<readonly PersonFacts[]> {
  return (await db.selectFrom("people").selectAll().orderBy("id").execute()).map(personOf);
}

/** @throws BridgeError PERSON_UNKNOWN */
export async function findPerson(db: Db | Trx, id: string): Promise<PersonFacts> {
  const person = await personById(db, id);
  if (person === undefined) throw unknownPerson(id);
  return person;
}

/** @throws BridgeError PERSON_UNKNOWN for the first who is not there, or has left */
export async function assertPeople(trx: Trx, ids: readonly string[]): Promise<readonly PersonFacts[]> {
  if (ids.length === 0) return [];
  const rows = await trx.selectFrom("people").selectAll().where("id", "in", ids).execute();
  const known = new Map(rows.map((row) => [row.id, personOf(row)]));
  return ids.map((id) => {
    const person = known.get(id);
    if (person === undefined || person.leftAtMs !== undefined) throw unknownPerson(id, 422);
    return person;
  });
}

async function personById(db: Db | Trx, id: string): Promise<PersonFacts | undefined> {
  const row = await db.selectFrom("people").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : personOf(row);
}

/** Codes as putPerson stored them. */
export function storedCodes(text: string): string[] {
  return JSON.parse(text) as string[];
}

function personOf(row: Selectable<PeopleTable>): PersonFacts {
  const authority = storedCodes(row.authority);
  return {
    id: row.id,
    name: row.name,
    unitId: row.unit_id,
    ...(row.badge === null ? {} : { badge: row.badge }),
    ...(row.phone === null ? {} : { phone: row.phone }),
    ...(row.radio_issi === null ? {} : { radioIssi: row.radio_issi }),
    ...(authority.length === 0 ? {} : { authority }),
    ...(row.left_at_ms === null ? {} : { leftAtMs: row.left_at_ms }),
  };
}

function unknownPerson(id: string, status = 404): BridgeError {
  return new BridgeError("PERSON_UNKNOWN", `there is nobody called ${id}`, {
    status,
    hint: "GET /api/v1/people lists who is there; who has left cannot be sent.",
  });
}

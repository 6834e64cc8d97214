import type { Db, Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";

/**
 * Crews that sit in the car with this gateway now: the one that filed it, else those whose usual car it is, unless they
 * filed another.
 */
export async function crewsInVehicle(db: Db | Trx, node: string, nowMs: number): Promise<readonly string[]> {
  const filed = (await filedVehicle(db, { node, nowMs })).rows;
  if (filed.length > 0) return filed.map(({ crew_id }) => crew_id);
  const usual = (await usualVehicle(db, { node, nowMs })).rows;
  return usual.filter(({ filed_node }) => filed_node === null).map(({ id }) => id);
}

/** Who holds a radio now, as far as is known. */
export interface RadioHolder {
  readonly crewId: string;
  readonly personId?: string;
  readonly personName?: string;
}

/**
 * The crew of a radio: the one that filed it, else the one whose usual radio it is, else the usual crew of the person whose
 * handset it is, unless that person filed with another.
 */
export async function holdersOfRadio(db: Db | Trx, issi: string, nowMs: number): Promise<readonly RadioHolder[]> {
  const filed = (await filedRadio(db, { issi, nowMs })).rows;
  if (filed.length > 0) {
    return filed.map((row) => ({ crewId: row.crew_id, personId: row.person_id, personName: row.name }));
  }
  const usual = (await usualRadio(db, { issi })).rows;
  if (usual.length > 0) return usual.map(({ id }) => ({ crewId: id }));
  const owners = (await ownRadio(db, { issi })).rows;
  const elsewhere = new Set((await peopleFiled(db, { issi, nowMs })).rows.map(({ person_id }) => person_id));
  return owners
    .filter(({ person_id }) => !elsewhere.has(person_id))
    .map((row) => ({ crewId: row.crew_id, personId: row.person_id, personName: row.name }));
}

const filedVehicle = prepared((db, { node, nowMs }: { node: string; nowMs: number }) =>
  db
    .selectFrom("filings")
    .select("crew_id")
    .where("vehicle_node", "=", node)
    .where("from_ms", "<=", nowMs)
    .where("to_ms", ">", nowMs)
    .orderBy("crew_id"),
);

const usualVehicle = prepared((db, { node, nowMs }: { node: string; nowMs: number }) =>
  db
    .selectFrom("crews")
    .leftJoin("filings", (join) =>
      join
        .onRef("filings.crew_id", "=", "crews.id")
        .on("filings.from_ms", "<=", nowMs)
        .on("filings.to_ms", ">", nowMs)
        .on("filings.vehicle_node", "is not", null),
    )
    .select(["crews.id", "filings.vehicle_node as filed_node"])
    .where("crews.vehicle_node", "=", node)
    .orderBy("crews.id"),
);

const filedRadio = prepared((db, { issi, nowMs }: { issi: string; nowMs: number }) =>
  db
    .selectFrom("filing_people")
    .innerJoin("filings", "filings.id", "filing_people.filing_id")
    .innerJoin("people", "people.id", "filing_people.person_id")
    .select(["filings.crew_id", "people.id as person_id", "people.name"])
    .where("filing_people.radio_issi", "=", issi)
    .where("filings.from_ms", "<=", nowMs)
    .where("filings.to_ms", ">", nowMs)
    .orderBy("filings.crew_id"),
);

const usualRadio = prepared((db, { issi }: { issi: string }) =>
  db.selectFrom("crews").select("id").where("radio_issi", "=", issi).orderBy("id"),
);

const ownRadio = prepared((db, { issi }: { issi: string }) =>
  db
    .selectFrom("people")
    .innerJoin("crew_members", "crew_members.person_id", "people.id")
    .select(["crew_members.crew_id", "people.id as person_id", "people.name"])
    .where("people.radio_issi", "=", issi)
    .where("people.left_at_ms", "is", null)
    .orderBy("crew_members.crew_id"),
);

/** Owners of that handset who filed, with another one or with another crew. */
const peopleFiled = prepared((db, { issi, nowMs }: { issi: string; nowMs: number }) =>
  db
    .selectFrom("filing_people")
    .innerJoin("filings", "filings.id", "filing_people.filing_id")
    .innerJoin("people", "people.id", "filing_people.person_id")
    .select("filing_people.person_id")
    .where("people.radio_issi", "=", issi)
    .where("filings.from_ms", "<=", nowMs)
    .where("filings.to_ms", ">", nowMs),
);

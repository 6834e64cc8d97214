import { crewsInVehicle, holdersOfRadio } from "../../roster/holders.ts";
import type { Db, Trx } from "../../store/database.ts";

/** How a crew can be reached at a moment: by what it filed for its shift, else by what is usually its own. */
export interface Contacts {
  /** The gateway in its vehicle. */
  readonly vehicleNode?: string;
  readonly radios: readonly string[];
}

export async function contactsOf(db: Db | Trx, crewId: string, nowMs: number): Promise<Contacts> {
  const crew = await db
    .selectFrom("crews")
    .select(["vehicle_node", "radio_issi"])
    .where("id", "=", crewId)
    .executeTakeFirst();
  const filed = await db
    .selectFrom("filings")
    .leftJoin("filing_people", "filing_people.filing_id", "filings.id")
    .select(["filings.vehicle_node", "filing_people.radio_issi"])
    .where("filings.crew_id", "=", crewId)
    .where("filings.from_ms", "<=", nowMs)
    .where("filings.to_ms", ">", nowMs)
    .orderBy("filings.id")
    .orderBy("filing_people.person_id")
    .execute();
  const car = filed.find(({ vehicle_node }) => vehicle_node !== null)?.vehicle_node ?? crew?.vehicle_node;
  const radios = [...new Set(filed.flatMap(({ radio_issi }) => (radio_issi === null ? [] : [radio_issi])))];
  const usual = crew?.radio_issi;
  const isOurs = car != null && (await crewsInVehicle(db, car, nowMs)).includes(crewId);
  return {
    ...(car != null && isOurs ? { vehicleNode: car } : {}),
    radios: radios.length > 0 || usual == null ? radios : [usual],
  };
}

/** The crew that carries this radio at that moment, if it is one crew. */
export async function crewOfRadio(db: Db | Trx, issi: string, atMs: number): Promise<string | undefined> {
  const crews = new Set((await holdersOfRadio(db, issi, atMs)).map(({ crewId }) => crewId));
  return crews.size === 1 ? [...crews][0] : undefined;
}

/** Whether the crew sat in the vehicle of this node at that moment. */
export async function isVehicleOf(db: Db | Trx, node: string, crewId: string, atMs: number): Promise<boolean> {
  return (await crewsInVehicle(db, node, atMs)).includes(crewId);
}

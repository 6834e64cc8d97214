import { isDeepStrictEqual } from "node:util";
import type { Db } from "../store/database.ts";
import { areCovered } from "./area-cover.ts";
import { findCrew } from "./crews.ts";
import type { NewFiling } from "./filings.ts";
import { readScope, type Scope, within } from "./scope.ts";
import { readUnitTree, type UnitFacts } from "./units.ts";

/**
 * Whether the car, the radio and the members that a crew names are the scope's; what it had before, it keeps. A scope
 * reaches the nodes in its crews' cars: who could name any car would widen it by that.
 */
export async function mayCrewName(scope: Scope, crew: NamedByCrew, db: Db): Promise<boolean> {
  const before = await crewOf(crew.id, db);
  const { vehicleNode, radioIssi, memberIds = [] } = crew;
  if (vehicleNode !== undefined && vehicleNode !== before?.vehicleNode && !within(scope, "nodeIds", vehicleNode)) {
    return false;
  }
  if (radioIssi !== before?.radioIssi && (await isForeignRadio(scope, radioIssi, db))) return false;
  const added = memberIds.filter((id) => before?.memberIds?.includes(id) !== true);
  return (await peopleOf(added, db)).every(({ unit_id }) => within(scope, "unitIds", unit_id));
}

export interface NamedByCrew {
  readonly id?: string;
  readonly vehicleNode?: string;
  readonly radioIssi?: string;
  readonly memberIds?: readonly string[];
}

/** Whether the radio that a person gets is the scope's, or nobody's; what was theirs before, they keep. */
export async function mayPersonName(scope: Scope, { id, radioIssi }: NamedByPerson, db: Db): Promise<boolean> {
  const [before] = await peopleOf([id ?? ""], db);
  return before?.radio_issi === radioIssi || !(await isForeignRadio(scope, radioIssi, db));
}

export interface NamedByPerson {
  readonly id?: string;
  readonly radioIssi?: string;
}

/** Whether people, car and radios of a filing are the scope's, nobody's, or what its crew or its people use anyhow. */
export async function mayFilingName(scope: Scope, filing: NamedByFiling, db: Db): Promise<boolean> {
  const { vehicleNode, people = [] } = filing;
  const crew = await crewOf(filing.crewId, db);
  if (vehicleNode !== crew?.vehicleNode && (await isForeignCar(scope, vehicleNode, db))) return false;
  const ids = people.map(({ personId }) => personId);
  const known = new Map((await peopleOf(ids, db)).map((row) => [row.id, row]));
  for (const { personId, radioIssi } of people) {
    const person = known.get(personId);
    // Who is not there is told as such by whoever looks for them.
    if (person === undefined) continue;
    if (crew?.memberIds?.includes(personId) !== true && !within(scope, "unitIds", person.unit_id)) return false;
    const isUsual = radioIssi === person.radio_issi || radioIssi === crew?.radioIssi;
    if (!isUsual && (await isForeignRadio(scope, radioIssi, db))) return false;
  }
  return true;
}

export type NamedByFiling = Partial<Pick<NewFiling, "crewId" | "vehicleNode" | "people">>;

/**
 * Whether new ground of a unit lies within that of the nearest unit above which has some and is of the scope: a scope
 * reaches sites of nobody on its ground, and answers for what happens there.
 */
export async function mayUnitName(scope: Scope, { id, parentId, areas = [] }: NamedByUnit, db: Db): Promise<boolean> {
  const tree = await readUnitTree(db);
  const before = tree.get(id ?? "")?.areas ?? [];
  const added = areas.filter((area) => !before.some((known) => isDeepStrictEqual(known, area)));
  if (added.length === 0) return true;
  const above = tree.path(parentId ?? "").filter((unit) => within(scope, "unitIds", unit.id));
  const ground = above.findLast((unit) => unit.areas !== undefined)?.areas ?? [];
  return areCovered(added, ground);
}

export type NamedByUnit = Partial<Pick<UnitFacts, "id" | "parentId" | "areas">>;

/** What the unit of a crew gets at: its own account has no scope. */
export async function scopeOfCrew(db: Db, crewId: string): Promise<Scope> {
  return readScope(db, (await crewOf(crewId, db))?.unitId ?? "");
}

function crewOf(id = "", db: Db) {
  return findCrew(db, id).catch(() => undefined);
}

async function peopleOf(ids: readonly string[], db: Db) {
  if (ids.length === 0) return [];
  return db.selectFrom("people").select(["id", "unit_id", "radio_issi"]).where("id", "in", ids).execute();
}

/** In a car or at a site of somebody else; one that is nowhere yet is nobody's. */
async function isForeignCar(scope: Scope, node: string | undefined, db: Db): Promise<boolean> {
  if (node === undefined || within(scope, "nodeIds", node)) return false;
  const [crews, sites, bindings] = await Promise.all([
    db.selectFrom("crews").select("id").where("vehicle_node", "=", node).limit(1).execute(),
    db.selectFrom("nodes").select("id").where("id", "=", node).where("site_id", "is not", null).execute(),
    db.selectFrom("bindings").select("node").where("node", "=", node).where("to_ms", "is", null).limit(1).execute(),
  ]);
  return crews.length + sites.length + bindings.length > 0;
}

/** A crew or somebody in service has it who is not of the scope. */
async function isForeignRadio(scope: Scope, issi: string | undefined, db: Db): Promise<boolean> {
  if (issi === undefined || scope.isWhole) return false;
  const [crews, people] = await Promise.all([
    db.selectFrom("crews").select("id").where("radio_issi", "=", issi).execute(),
    db.selectFrom("people").select("unit_id").where("radio_issi", "=", issi).where("left_at_ms", "is", null).execute(),
  ]);
  const isCrewForeign = crews.some(({ id }) => !within(scope, "crewIds", id));
  return isCrewForeign || people.some(({ unit_id }) => !within(scope, "unitIds", unit_id));
}

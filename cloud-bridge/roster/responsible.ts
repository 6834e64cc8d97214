import type { Db, Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";
import { type Area, isInAreas, storedAreas } from "./areas.ts";
import type { GeoPosition } from "./distance.ts";
import { UNIT_LEVELS } from "./units.ts";

export interface Responsible {
  readonly unitId: string;
  readonly why: "site" | "area";
}

/**
 * Who answers for a place: the unit that its site names; where it names none, the smallest territory whose area holds the
 * place, and every department whose own area does. Nobody, where nothing is known.
 */
export async function responsibleUnits(
  trx: Trx,
  siteId: string | null,
  place: GeoPosition | undefined,
): Promise<readonly Responsible[]> {
  const [site] = siteId === null ? [] : (await unitOfSite(trx, { siteId })).rows;
  if (site?.unit_id != null) return [{ unitId: site.unit_id, why: "site" }];
  if (place === undefined) return [];
  return unitsOnWhoseGround(place, await readGrounds(trx)).map((unitId) => ({ unitId, why: "area" }));
}

/** A unit with the ground that it answers for. */
export interface Ground {
  readonly id: string;
  readonly level: string;
  readonly areas: readonly Area[];
}

/** Of every unit in service that has some. */
export async function readGrounds(db: Db | Trx): Promise<readonly Ground[]> {
  return (await unitsWithAreas(db, {})).rows.map((row) => ({ ...row, areas: storedAreas(row.areas) }));
}

/** The smallest territory whose area holds the place, and then every department whose own area does. */
export function unitsOnWhoseGround(place: GeoPosition, grounds: readonly Ground[]): readonly string[] {
  const holding = grounds.filter(({ areas }) => isInAreas(place, areas));
  const smallestFirst = holding
    .filter(({ level }) => level !== "department")
    .sort((a, b) => BY_SIZE.indexOf(b.level) - BY_SIZE.indexOf(a.level) || (a.id < b.id ? -1 : 1));
  const departments = holding.filter(({ level }) => level === "department");
  return [...smallestFirst.slice(0, 1), ...departments].map(({ id }) => id);
}

const BY_SIZE: readonly string[] = UNIT_LEVELS;

const unitOfSite = prepared((db, { siteId }: { siteId: string }) =>
  db.selectFrom("sites").select("unit_id").where("id", "=", siteId),
);

const unitsWithAreas = prepared((db, _: object) =>
  db
    .selectFrom("units")
    .select(["id", "level", "areas"])
    .where("areas", "<>", "[]")
    .where("retired_at_ms", "is", null)
    .orderBy("id"),
);

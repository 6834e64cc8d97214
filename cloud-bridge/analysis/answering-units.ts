import type { GeoPosition } from "../roster/distance.ts";
import { readGrounds, unitsOnWhoseGround } from "../roster/responsible.ts";
import type { Db } from "../store/database.ts";

/** Who answers for a place as sites and units stand today; a case that nobody answered for in its time is counted by that. */
export interface AnsweringUnits {
  /** The unit of the site, else those on whose ground it happened, the smallest territory first, else those of the site's ground. */
  ofPlace(siteId: string | undefined, position: GeoPosition | undefined): readonly string[];
  /** Sites that have no unit themselves and lie on the ground of one of these. */
  sitesOnGroundOf(unitIds: ReadonlySet<string>): readonly string[];
}

export async function readAnsweringUnits(db: Db): Promise<AnsweringUnits> {
  const grounds = await readGrounds(db);
  const rows = await db.selectFrom("sites").select(["id", "unit_id", "latitude_deg", "longitude_deg"]).execute();
  const sites = new Map(rows.map((row) => [row.id, row]));
  const known = new Map<string, readonly string[]>();
  const onGround = (latitudeDeg: number | null | undefined, longitudeDeg: number | null | undefined) => {
    if (latitudeDeg == null || longitudeDeg == null || grounds.length === 0) return [];
    const key = `${latitudeDeg},${longitudeDeg}`;
    const found = known.get(key) ?? unitsOnWhoseGround({ latitudeDeg, longitudeDeg }, grounds);
    known.set(key, found);
    return found;
  };
  const ofSite = (siteId: string): readonly string[] => {
    const site = sites.get(siteId);
    return site?.unit_id == null ? onGround(site?.latitude_deg, site?.longitude_deg) : [site.unit_id];
  };
  return {
    ofPlace(siteId, position) {
      const own = siteId === undefined ? undefined : sites.get(siteId)?.unit_id;
      if (own != null) return [own];
      const here = onGround(position?.latitudeDeg, position?.longitudeDeg);
      return here.length > 0 || siteId === undefined ? here : ofSite(siteId);
    },
    sitesOnGroundOf: (unitIds) =>
      rows
        .filter(({ id, unit_id }) => unit_id === null && ofSite(id).some((unitId) => unitIds.has(unitId)))
        .map(({ id }) => id),
  };
}

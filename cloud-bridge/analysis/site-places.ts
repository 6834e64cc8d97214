import type { GeoPosition } from "../roster/distance.ts";
import type { Db } from "../store/database.ts";

/** Where sites are, of those that say it. */
export async function sitePlaces(db: Db): Promise<ReadonlyMap<string, GeoPosition>> {
  const rows = await db.selectFrom("sites").select(["id", "latitude_deg", "longitude_deg"]).execute();
  return new Map(
    rows.flatMap(({ id, latitude_deg: latitudeDeg, longitude_deg: longitudeDeg }) =>
      latitudeDeg === null || longitudeDeg === null ? [] : [[id, { latitudeDeg, longitudeDeg }] as const],
    ),
  );
}

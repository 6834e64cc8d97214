import type { Trx } from "../store/database.ts";
import type { GeoPosition } from "./distance.ts";

export type PositionSource = "vehicle" | "radio" | "phone";

export interface CrewPosition extends GeoPosition {
  readonly accuracyM?: number;
  /** When the fix was made, as far as is known; never later than its arrival. */
  readonly atMs: number;
  readonly source: PositionSource;
}

/** @returns false when a newer fix of that source is known already: a backlog must not move anybody back */
export async function notePosition(trx: Trx, crewId: string, fix: CrewPosition, nowMs: number): Promise<boolean> {
  const row = {
    latitude_deg: fix.latitudeDeg,
    longitude_deg: fix.longitudeDeg,
    accuracy_m: fix.accuracyM ?? null,
    at_ms: Math.min(fix.atMs, nowMs),
    received_at_ms: nowMs,
  };
  const written = await trx
    .insertInto("crew_positions")
    .values({ crew_id: crewId, source: fix.source, ...row })
    .onConflict((conflict) =>
      conflict.columns(["crew_id", "source"]).doUpdateSet(row).where("crew_positions.at_ms", "<=", row.at_ms),
    )
    .executeTakeFirst();
  return (written.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** The newest fix of each crew, whatever its source. */
export async function newestPositions(trx: Trx): Promise<ReadonlyMap<string, CrewPosition>> {
  const rows = await trx.selectFrom("crew_positions").selectAll().orderBy("at_ms").execute();
  return new Map(
    rows.map((row) => [
      row.crew_id,
      {
        latitudeDeg: row.latitude_deg,
        longitudeDeg: row.longitude_deg,
        ...(row.accuracy_m === null ? {} : { accuracyM: row.accuracy_m }),
        atMs: row.at_ms,
        source: SOURCES.find((source) => source === row.source) ?? "phone",
      },
    ]),
  );
}

const SOURCES = ["vehicle", "radio", "phone"] as const;

import { sql } from "kysely";
import type { Db } from "../store/database.ts";
import type { Period } from "./period.ts";

/** Time in which a meter gave valid levels, in hours. */
export interface ObservedSite {
  /** Absent: the meter was bound to no site, as one in a vehicle. */
  readonly siteId?: string;
  readonly hours: number;
}

/** By the site to which each meter was bound at that time; with `unitIds`, of sites of these units only. */
export async function observedBySite(
  db: Db,
  period: Period,
  unitIds?: ReadonlySet<string>,
): Promise<readonly ObservedSite[]> {
  const rows = await observed(db, period, unitIds)
    .select(["bindings.site_id", ({ fn }) => fn.sum<number>("level_hours.valid").as("valid")])
    .groupBy("bindings.site_id")
    .execute();
  return rows.map(({ site_id, valid }) => ({
    ...(site_id === null ? {} : { siteId: site_id }),
    hours: Number(valid) / 3600,
  }));
}

/** By the UTC hour, all meters together; with `unitIds`, of sites of these units only. */
export async function observedByHour(
  db: Db,
  period: Period,
  unitIds?: ReadonlySet<string>,
): Promise<readonly { readonly hourMs: number; readonly hours: number }[]> {
  const rows = await observed(db, period, unitIds)
    .select(["level_hours.hour_ms", ({ fn }) => fn.sum<number>("level_hours.valid").as("valid")])
    .groupBy("level_hours.hour_ms")
    .execute();
  return rows.map(({ hour_ms, valid }) => ({ hourMs: hour_ms, hours: Number(valid) / 3600 }));
}

/** Hours of all meters with the binding that held then: no meter is bound twice at once. */
function observed(db: Db, { fromMs, toMs }: Period, unitIds: ReadonlySet<string> | undefined) {
  const query = db
    .selectFrom("level_hours")
    .leftJoin("bindings", (join) =>
      join
        .onRef("bindings.node", "=", "level_hours.node")
        .onRef("bindings.device", "=", "level_hours.device")
        .onRef("bindings.from_ms", "<=", "level_hours.hour_ms")
        .on((on) =>
          on.or([on("bindings.to_ms", "is", null), on("bindings.to_ms", ">", on.ref("level_hours.hour_ms"))]),
        ),
    )
    .where("level_hours.hour_ms", ">=", fromMs)
    .where("level_hours.hour_ms", "<", toMs);
  if (unitIds === undefined) return query;
  return query.where("bindings.site_id", "in", (from) =>
    from
      .selectFrom("sites")
      .select("sites.id")
      .where("sites.unit_id", "in", unitIds.size === 0 ? [""] : [...unitIds]),
  );
}

export interface HourOfMeter {
  readonly hourMs: number;
  readonly seconds: number;
  readonly validSeconds: number;
  /** dB(A) re 20 µPa; null: no valid second. */
  readonly laeqDb: number | null;
  readonly lamaxDb: number | null;
}

/** Hours of one meter, oldest first: for curves of weeks, when 1-s levels are too many or gone. */
export async function hoursOfMeter(
  db: Db,
  { node, device, subject }: { readonly node: string; readonly device: string; readonly subject?: string },
  { fromMs, toMs }: Period,
): Promise<readonly HourOfMeter[]> {
  const rows = await db
    .selectFrom("level_hours")
    .selectAll()
    .where("node", "=", node)
    .where("device", "=", device)
    .where("subject_id", "=", subject ?? "")
    .where("hour_ms", ">=", fromMs)
    .where("hour_ms", "<", toMs)
    .orderBy("hour_ms")
    .execute();
  return rows.map(({ hour_ms, seconds, valid, energy, lamax_db }) => ({
    hourMs: hour_ms,
    seconds,
    validSeconds: valid,
    laeqDb: valid > 0 ? Math.round(100 * Math.log10(energy / valid)) / 10 : null,
    lamaxDb: lamax_db,
  }));
}

/** By meter, with the site to which it is bound at the end of the period; with `unitIds`, of sites of these units only. */
export async function observedByMeter(
  db: Db,
  { fromMs, toMs }: Period,
  unitIds?: ReadonlySet<string>,
): Promise<readonly { node: string; device: string; siteId?: string; hours: number }[]> {
  let query = db
    .selectFrom("level_hours")
    .leftJoin("bindings", (join) =>
      join
        .onRef("bindings.node", "=", "level_hours.node")
        .onRef("bindings.device", "=", "level_hours.device")
        .on("bindings.from_ms", "<", toMs)
        .on((on) => on.or([on("bindings.to_ms", "is", null), on("bindings.to_ms", ">=", toMs)])),
    )
    .select([
      "level_hours.node",
      "level_hours.device",
      sql<string | null>`max(bindings.site_id)`.as("site_id"),
      ({ fn }) => fn.sum<number>("level_hours.valid").as("valid"),
    ])
    .where("level_hours.hour_ms", ">=", fromMs)
    .where("level_hours.hour_ms", "<", toMs)
    .groupBy(["level_hours.node", "level_hours.device"])
    .orderBy("level_hours.node")
    .orderBy("level_hours.device");
  if (unitIds !== undefined) {
    query = query.where("bindings.site_id", "in", (from) =>
      from
        .selectFrom("sites")
        .select("sites.id")
        .where("sites.unit_id", "in", unitIds.size === 0 ? [""] : [...unitIds]),
    );
  }
  const rows = await query.execute();
  return rows.map(({ node, device, site_id, valid }) => ({
    node,
    device,
    ...(site_id === null ? {} : { siteId: site_id }),
    hours: Number(valid) / 3600,
  }));
}

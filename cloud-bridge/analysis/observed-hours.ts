import { type SqlBool, sql } from "kysely";
import type { Db } from "../store/database.ts";
import type { Period } from "./period.ts";

/** Time in which a meter gave valid levels, in hours. */
export interface ObservedSite {
  /** Absent: the meter was bound to no site, as one in a vehicle. */
  readonly siteId?: string;
  readonly hours: number;
}

/** Sites that these units answer for. */
export interface SitesOfUnits {
  readonly unitIds: ReadonlySet<string>;
  /** Those without a unit of their own that lie on the ground of one. */
  readonly onGround: readonly string[];
}

function boundTo({ unitIds, onGround }: SitesOfUnits) {
  const listed = (ids: Iterable<string>) => sql.join(["", ...ids]);
  return sql<SqlBool>`bindings.site_id in (
    select id from sites where unit_id in (${listed(unitIds)}) or id in (${listed(onGround)})
  )`;
}

/** By the site to which each meter was bound at that time; with `sites`, of those only. */
export async function observedBySite(db: Db, period: Period, sites?: SitesOfUnits): Promise<readonly ObservedSite[]> {
  const rows = await observed(db, period, sites)
    .select(["bindings.site_id", ({ fn }) => fn.sum<number>("level_hours.valid").as("valid")])
    .groupBy("bindings.site_id")
    .execute();
  return rows.map(({ site_id, valid }) => ({
    ...(site_id === null ? {} : { siteId: site_id }),
    hours: Number(valid) / 3600,
  }));
}

/** By the UTC hour, all meters together; with `sites`, of those only. */
export async function observedByHour(
  db: Db,
  period: Period,
  sites?: SitesOfUnits,
): Promise<readonly { readonly hourMs: number; readonly hours: number }[]> {
  const rows = await observed(db, period, sites)
    .select(["level_hours.hour_ms", ({ fn }) => fn.sum<number>("level_hours.valid").as("valid")])
    .groupBy("level_hours.hour_ms")
    .execute();
  return rows.map(({ hour_ms, valid }) => ({ hourMs: hour_ms, hours: Number(valid) / 3600 }));
}

/** Hours of all meters with the binding that held then: no meter is bound twice at once. */
function observed(db: Db, { fromMs, toMs }: Period, sites: SitesOfUnits | undefined) {
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
  return sites === undefined ? query : query.where(boundTo(sites));
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

/** By meter, with the site to which it is bound at the end of the period; with `sites`, of those only. */
export async function observedByMeter(
  db: Db,
  { fromMs, toMs }: Period,
  sites?: SitesOfUnits,
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
  if (sites !== undefined) query = query.where(boundTo(sites));
  const rows = await query.execute();
  return rows.map(({ node, device, site_id, valid }) => ({
    node,
    device,
    ...(site_id === null ? {} : { siteId: site_id }),
    hours: Number(valid) / 3600,
  }));
}

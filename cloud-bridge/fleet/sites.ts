import type { Selectable } from "kysely";
import type { DeviceBody } from "../../protocol/bodies.ts";
import { isTimeZone } from "../../protocol/local-time.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { SitesTable } from "../store/fleet-tables.ts";
import { changing, lockDesk } from "../store/transactions.ts";

/** A place with its geofence and time zone; its shape is that of the API's Site. */
export interface SiteFacts {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly latitudeDeg?: number;
  readonly longitudeDeg?: number;
  readonly radiusM?: number;
  readonly unitId?: string;
}

/** A device, and the site that it is or was bound to; its shape is that of the API's DeviceView. */
export interface DeviceFacts {
  readonly node: string;
  readonly device: string;
  readonly driver?: string;
  readonly siteId?: string;
  readonly fromMs: number;
  readonly toMs?: number;
  readonly state?: DeviceBody["state"];
}

export async function listSites(db: Db | Trx): Promise<SiteFacts[]> {
  return (await db.selectFrom("sites").selectAll().orderBy("id").execute()).map(siteFacts);
}

/** @throws BridgeError SITE_UNKNOWN */
export async function findSite(db: Db | Trx, id: string): Promise<SiteFacts> {
  const site = await siteById(db, id);
  if (site === undefined) throw unknownSite(id);
  return site;
}

async function siteById(db: Db | Trx, id: string): Promise<SiteFacts | undefined> {
  const row = await db.selectFrom("sites").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : siteFacts(row);
}

/** @param status 422 where a request names it, 404 where it is what was asked for */
export function unknownSite(id: string, status = 404): BridgeError {
  return new BridgeError("SITE_UNKNOWN", `there is no site ${id}`, { status, hint: "GET /api/v1/sites lists them." });
}

function siteFacts(row: Selectable<SitesTable>): SiteFacts {
  return {
    id: row.id,
    name: row.name,
    timeZone: row.time_zone,
    ...(row.latitude_deg === null ? {} : { latitudeDeg: row.latitude_deg }),
    ...(row.longitude_deg === null ? {} : { longitudeDeg: row.longitude_deg }),
    ...(row.radius_m === null ? {} : { radiusM: row.radius_m }),
    ...(row.unit_id === null ? {} : { unitId: row.unit_id }),
  };
}

/**
 * Makes a site or changes it; from then on what nodes say of it no longer counts.
 * @param precondition looks at what is there before it is changed; throws to refuse
 * @throws BridgeError TIME_ZONE_UNKNOWN
 */
export async function saveSite(
  db: Db,
  site: SiteFacts,
  nowMs: number,
  precondition: (current: SiteFacts | undefined) => void = () => {},
): Promise<void> {
  if (!isTimeZone(site.timeZone)) {
    throw new BridgeError("TIME_ZONE_UNKNOWN", `there is no time zone ${site.timeZone}`, {
      status: 422,
      hint: "Give an IANA name such as Asia/Shanghai.",
    });
  }
  const row = {
    name: site.name,
    time_zone: site.timeZone,
    latitude_deg: site.latitudeDeg ?? null,
    longitude_deg: site.longitudeDeg ?? null,
    radius_m: site.radiusM ?? null,
    unit_id: site.unitId ?? null,
    source: "operator",
  };
  await changing(db, async (trx) => {
    await lockDesk(trx);
    precondition(await siteById(trx, site.id));
    await trx
      .insertInto("sites")
      .values({ id: site.id, created_at_ms: nowMs, ...row })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
      .execute();
  });
}

/** Every binding there is or was, and devices that are bound nowhere. */
export async function listDevices(db: Db): Promise<DeviceFacts[]> {
  const bindings = await db.selectFrom("bindings").selectAll().orderBy("from_ms").execute();
  const states = await db.selectFrom("device_state").selectAll().where("subject_type", "=", "").execute();
  const stateOf = new Map(states.map((row) => [`${row.node}/${row.device}`, row]));
  const bound = new Set(bindings.map(({ node, device }) => `${node}/${device}`));
  const views = bindings.map((binding): DeviceFacts => {
    const state = stateOf.get(`${binding.node}/${binding.device}`)?.state;
    return {
      node: binding.node,
      device: binding.device,
      ...(binding.driver === null ? {} : { driver: binding.driver }),
      siteId: binding.site_id,
      fromMs: binding.from_ms,
      ...(binding.to_ms === null ? {} : { toMs: binding.to_ms }),
      ...(state === undefined || binding.to_ms !== null ? {} : { state: stateNamed(state) }),
    };
  });
  const unbound = states.filter(({ node, device }) => !bound.has(`${node}/${device}`));
  return [
    ...views,
    ...unbound.map(
      (row): DeviceFacts => ({
        node: row.node,
        device: row.device,
        ...(row.driver === null ? {} : { driver: row.driver }),
        fromMs: row.at_ms,
        state: stateNamed(row.state),
      }),
    ),
  ];
}

/** Ingest wrote it from a body that its schema accepted. */
function stateNamed(state: string): DeviceBody["state"] {
  return state as DeviceBody["state"];
}

import type { Category } from "../cases/catalogue.ts";
import { catalogueInForce } from "../cases/catalogue-rows.ts";
import { ENDED_STATES } from "../cases/states.ts";
import type { Db } from "../store/database.ts";

/** Members and order of GeoReport v2; null where nothing is known. @source wiki.open311.org/GeoReport_v2 */
export interface Open311Request {
  readonly service_request_id: string;
  readonly status: "open" | "closed";
  readonly status_notes: string | null;
  readonly service_name: string;
  readonly service_code: string;
  readonly description: string;
  readonly agency_responsible: string | null;
  readonly service_notice: null;
  readonly requested_datetime: string;
  readonly updated_datetime: string;
  readonly expected_datetime: string | null;
  readonly address: string | null;
  readonly address_id: null;
  readonly zipcode: null;
  readonly lat: number | null;
  readonly long: number | null;
  readonly media_url: null;
}

export interface Open311Query {
  readonly ids?: readonly number[];
  readonly serviceCodes?: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly status?: "open" | "closed";
  readonly limit: number;
}

/** Boxes that are silent and officers in need are no service that a public asks for. */
const PUBLIC_FAMILIES = ["noise", "vision", "report"];

export async function open311Services(db: Db, nowMs: number): Promise<readonly object[]> {
  const { categories } = await catalogueInForce(db, nowMs);
  return categories.filter(isPublic).map(({ code, zh, en }) => ({
    service_code: code,
    service_name: zh,
    description: en,
    metadata: false,
    type: "realtime",
    keywords: "",
    group: "",
  }));
}

/** Cases with a place in the catalogue, newest first: what, where, when and how it stands; nothing about people. */
export async function open311Requests(db: Db, query: Open311Query, nowMs: number): Promise<readonly Open311Request[]> {
  const { categories } = await catalogueInForce(db, nowMs);
  const names = new Map(categories.filter(isPublic).map(({ code, zh }) => [code, zh]));
  const codes = query.serviceCodes?.filter((code) => names.has(code)) ?? [...names.keys()];
  if (codes.length === 0 || query.ids?.length === 0) return [];
  let rows = db
    .selectFrom("cases")
    .leftJoin("sites", "sites.id", "cases.site_id")
    .leftJoin("units", "units.id", "cases.unit_id")
    .selectAll("cases")
    .select(["sites.name as site_name", "units.name as unit_name"])
    .where("cases.family", "in", PUBLIC_FAMILIES)
    .where("cases.category", "in", codes)
    .where("cases.late", "=", 0);
  // Whoever names requests gets them whatever their time.
  if (query.ids !== undefined) rows = rows.where("cases.number", "in", [...query.ids]);
  else rows = rows.where("cases.opened_at_ms", ">=", query.fromMs).where("cases.opened_at_ms", "<=", query.toMs);
  if (query.status === "open") rows = rows.where("cases.closed_at_ms", "is", null);
  if (query.status === "closed") rows = rows.where("cases.closed_at_ms", "is not", null);
  const found = await rows.orderBy("cases.number", "desc").limit(query.limit).execute();
  return found.map((row) => {
    const isClosed = row.closed_at_ms !== null || ENDED_STATES.some((state) => state === row.state);
    const code = row.category ?? "";
    return {
      service_request_id: String(row.number),
      status: isClosed ? "closed" : "open",
      status_notes: row.state,
      service_name: names.get(code) ?? code,
      service_code: code,
      description: names.get(code) ?? code,
      agency_responsible: row.unit_name,
      service_notice: null,
      requested_datetime: iso(row.opened_at_ms),
      updated_datetime: iso(row.updated_at_ms),
      expected_datetime: row.due_total_at_ms === null ? null : iso(row.due_total_at_ms),
      address: row.site_name ?? row.address,
      address_id: null,
      zipcode: null,
      lat: row.latitude_deg,
      long: row.longitude_deg,
      media_url: null,
    };
  });
}

function isPublic({ families }: Category): boolean {
  return families === undefined || families.length === 0 || families.some((family) => PUBLIC_FAMILIES.includes(family));
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/u, "Z");
}

import { distanceM, type GeoPosition } from "../roster/distance.ts";
import { type Change, positionOf } from "./case-rows.ts";
import type { Category } from "./catalogue.ts";
import type { DeskSettings } from "./settings.ts";

export interface SameMatter {
  readonly caseId: string;
  readonly how: "same-site" | "near" | "recurrence";
}

/**
 * The case that a report of this category and place belongs to: at its site the open one of the matter, else one near by
 * that was heard of a short while ago; else one that ended so shortly that this is a recurrence. Where the place is not
 * known nothing is the same.
 */
export async function sameMatter(
  { trx, nowMs }: Change,
  category: Category,
  place: { readonly siteId?: string; readonly position?: GeoPosition },
  settings: DeskSettings,
): Promise<SameMatter | undefined> {
  if (place.siteId === undefined && place.position === undefined) return undefined;
  const { radiusM, withinMs } = settings.grouping;
  const families = category.families?.filter((family) => family !== "emergency") ?? [];
  const rows = await trx
    .selectFrom("cases")
    .select(["id", "number", "site_id", "latitude_deg", "longitude_deg", "last_alarm_at_ms", "closed_at_ms", "state"])
    .where("family", "not in", ["emergency", "fault"])
    .where((or) => or.or([or("category", "=", category.code), ...families.map((family) => or("family", "=", family))]))
    .where((or) => or.or([or("closed_at_ms", "is", null), or("closed_at_ms", ">", nowMs - settings.recurrenceMs)]))
    .where("state", "not in", ["false-alarm", "merged"])
    .orderBy("number", "desc")
    .execute();
  const placed = rows.map((row) => ({
    ...row,
    isHere: row.site_id !== null && row.site_id === place.siteId,
    farM: distanceM(place.position, positionOf(row)),
  }));
  const open = placed.filter(({ closed_at_ms }) => closed_at_ms === null);
  const here = open.find(({ isHere }) => isHere);
  if (here !== undefined) return { caseId: here.id, how: "same-site" };
  const [near] = open
    .filter(({ farM, last_alarm_at_ms }) => farM <= radiusM && nowMs - last_alarm_at_ms <= withinMs)
    .sort((a, b) => a.farM - b.farM || a.number - b.number);
  if (near !== undefined) return { caseId: near.id, how: "near" };
  const over = placed.find(({ closed_at_ms, isHere, farM }) => closed_at_ms !== null && (isHere || farM <= radiusM));
  return over === undefined ? undefined : { caseId: over.id, how: "recurrence" };
}

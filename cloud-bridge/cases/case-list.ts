import type { Trx } from "../store/database.ts";
import type { CaseRow } from "./case-rows.ts";
import { assignmentsOf, type CaseFacts, silences, withParts } from "./views.ts";

/** The same as caseFacts for each row, in its order, with one query for each part instead of one for each case. */
export async function caseFactsOfMany(trx: Trx, rows: readonly CaseRow[]): Promise<CaseFacts[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const siteIds = [...new Set(rows.flatMap(({ site_id }) => site_id ?? []))];
  const alarms = await trx
    .selectFrom("case_alarms")
    .select(["case_id", "alarm_id"])
    .where("case_id", "in", ids)
    .orderBy("joined_at_ms")
    .orderBy("alarm_id")
    .execute();
  const units = await trx
    .selectFrom("case_units")
    .select(["case_id", "unit_id"])
    .where("case_id", "in", ids)
    .orderBy("since_ms")
    .orderBy("unit_id")
    .execute();
  const sites =
    siteIds.length === 0
      ? []
      : await trx.selectFrom("sites").select(["id", "name"]).where("id", "in", siteIds).execute();
  const legs = await assignmentsOf(trx, { caseIds: ids });
  const alarmsByCase = Map.groupBy(alarms, ({ case_id }) => case_id);
  const unitsByCase = Map.groupBy(units, ({ case_id }) => case_id);
  const legsByCase = Map.groupBy(legs, ({ caseId }) => caseId);
  const names = new Map(sites.map(({ id, name }) => [id, name]));
  const isUnwatched = await unwatched(trx);
  return rows.map((row) =>
    withParts(row, {
      alarmIds: (alarmsByCase.get(row.id) ?? []).map(({ alarm_id }) => alarm_id),
      siteName: names.get(row.site_id ?? ""),
      assignments: legsByCase.get(row.id) ?? [],
      unitIds: (unitsByCase.get(row.id) ?? []).map(({ unit_id }) => unit_id),
      isUnwatched: isUnwatched(row),
    }),
  );
}

/** Silent nodes, and silent devices that are meters, by site and by node. */
async function unwatched(trx: Trx): Promise<(row: CaseRow) => boolean> {
  const silent = await silences(trx).select("site_id").execute();
  if (silent.length === 0) return () => false;
  const meters = await trx
    .selectFrom("device_state")
    .select(["node", "device"])
    .where("quantity", "is not", null)
    .where("node", "in", [...new Set(silent.map(({ node }) => node))])
    .execute();
  const isMeter = new Set(meters.map(({ node, device }) => `${node}/${device}`));
  const counted = silent.filter(({ node, device }) => device === "" || isMeter.has(`${node}/${device}`));
  const sites = new Set(counted.flatMap(({ site_id }) => site_id ?? []));
  const nodes = new Set(counted.map(({ node }) => node));
  return ({ site_id, node }) => (site_id === null ? nodes.has(node) : sites.has(site_id));
}

import { sql } from "kysely";
import { type AlarmFacts, alarmFacts } from "../cases/views.ts";
import type { Scope } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import type { Listed } from "./desk-views.ts";
import { follows, type Order, placeOf } from "./keyset.ts";

export interface AlarmQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: string;
  /** Newest first where left out. */
  readonly sort?: "receivedAtMs" | "-receivedAtMs";
  readonly node?: string;
  readonly device?: string;
  readonly siteId?: string;
  readonly family?: string;
  readonly rule?: string;
  /** Those that stand, or those that have cleared or were superseded. */
  readonly standing?: boolean;
  readonly late?: boolean;
  /** Received from/before. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly scope?: Pick<Scope, "isWhole" | "unitIds" | "siteIds">;
}

/** @throws BridgeError CURSOR_INVALID */
export async function alarmList(db: Db, query: AlarmQuery): Promise<Listed<AlarmFacts>> {
  const order: Order = {
    name: "receivedAtMs",
    value: sql.ref<number>("alarms.received_at_ms"),
    key: sql.ref<string>("alarms.alarm_id"),
    isNumbered: false,
    isFalling: query.sort !== "receivedAtMs",
  };
  const way = order.isFalling ? "desc" : "asc";
  let rows = db
    .selectFrom("alarms")
    .leftJoin("case_alarms", "case_alarms.alarm_id", "alarms.alarm_id")
    .selectAll("alarms")
    .select("case_alarms.case_id")
    .orderBy(order.value, way)
    .orderBy(order.key, way)
    .limit(query.limit + 1);
  if (query.before !== undefined) rows = rows.where(follows(order, query.before));
  if (query.node !== undefined) rows = rows.where("alarms.node", "=", query.node);
  if (query.device !== undefined) rows = rows.where("alarms.device", "=", query.device);
  if (query.siteId !== undefined) rows = rows.where("alarms.site_id", "=", query.siteId);
  if (query.family !== undefined) rows = rows.where("alarms.family", "=", query.family);
  if (query.rule !== undefined) rows = rows.where("alarms.rule", "=", query.rule);
  if (query.late !== undefined) rows = rows.where("alarms.late", "=", query.late ? 1 : 0);
  if (query.fromMs !== undefined) rows = rows.where("alarms.received_at_ms", ">=", query.fromMs);
  if (query.toMs !== undefined) rows = rows.where("alarms.received_at_ms", "<", query.toMs);
  if (query.standing === true) rows = rows.where("phase", "<>", "cleared").where("superseded", "=", 0);
  if (query.standing === false) {
    rows = rows.where((or) => or.or([or("phase", "=", "cleared"), or("superseded", "=", 1)]));
  }
  const { scope } = query;
  if (scope !== undefined && !scope.isWhole) {
    const [unitIds, siteIds] = [
      [...scope.unitIds, ""],
      [...scope.siteIds, ""],
    ];
    rows = rows.where(({ eb, or, exists, selectFrom }) =>
      or([
        eb("alarms.site_id", "in", siteIds),
        exists(
          selectFrom("case_units")
            .select("case_units.case_id")
            .whereRef("case_units.case_id", "=", "case_alarms.case_id")
            .where("case_units.unit_id", "in", unitIds),
        ),
      ]),
    );
  }
  const found = await rows.execute();
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const isMore = found.length > page.length && last !== undefined;
  return {
    items: page.map((row) => alarmFacts(row, row.case_id)),
    ...(isMore ? { next: placeOf(order, last.received_at_ms, last.alarm_id) } : {}),
  };
}

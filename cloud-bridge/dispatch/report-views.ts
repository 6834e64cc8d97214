import { sql } from "kysely";
import { type ReportFacts, reportFacts } from "../cases/report-rows.ts";
import type { Scope } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import type { Listed } from "./desk-views.ts";
import { follows, type Order, placeOf } from "./keyset.ts";

export interface ReportQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: string;
  readonly source?: string;
  readonly externalId?: string;
  readonly caseId?: string;
  /** Those with a result that their source has not taken yet. */
  readonly answered?: boolean;
  readonly channel?: string;
  readonly category?: string;
  /** Received from/before. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Newest first where left out. */
  readonly sort?: "receivedAtMs" | "-receivedAtMs";
  readonly scope?: Pick<Scope, "isWhole" | "unitIds">;
}

/** @throws BridgeError CURSOR_INVALID */
export async function reportList(db: Db, query: ReportQuery): Promise<Listed<ReportFacts>> {
  const order: Order = {
    name: "receivedAtMs",
    value: sql.ref<number>("reports.received_at_ms"),
    key: sql.ref<string>("reports.id"),
    isNumbered: false,
    isFalling: query.sort !== "receivedAtMs",
  };
  const way = order.isFalling ? "desc" : "asc";
  let rows = db
    .selectFrom("reports")
    .selectAll()
    .orderBy(order.value, way)
    .orderBy(order.key, way)
    .limit(query.limit + 1);
  if (query.source !== undefined) rows = rows.where("source", "=", query.source);
  if (query.externalId !== undefined) rows = rows.where("external_id", "=", query.externalId);
  if (query.caseId !== undefined) rows = rows.where("case_id", "=", query.caseId);
  if (query.answered === true)
    rows = rows.where("result_at_ms", "is not", null).where("result_taken_at_ms", "is", null);
  if (query.answered === false) rows = rows.where("result_at_ms", "is", null);
  const { scope } = query;
  if (scope !== undefined && !scope.isWhole) {
    const held = db
      .selectFrom("case_units")
      .select("case_id")
      .where("unit_id", "in", [...scope.unitIds, ""]);
    rows = rows.where("case_id", "in", held);
  }
  if (query.channel !== undefined) rows = rows.where("channel", "=", query.channel);
  if (query.category !== undefined) rows = rows.where("category", "=", query.category);
  if (query.fromMs !== undefined) rows = rows.where("received_at_ms", ">=", query.fromMs);
  if (query.toMs !== undefined) rows = rows.where("received_at_ms", "<", query.toMs);
  if (query.before !== undefined) rows = rows.where(follows(order, query.before));
  const found = await rows.execute();
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(reportFacts),
    ...(found.length > page.length && last !== undefined ? { next: placeOf(order, last.received_at_ms, last.id) } : {}),
  };
}

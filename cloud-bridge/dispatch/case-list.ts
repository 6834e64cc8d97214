import { sql } from "kysely";
import { caseFactsOfMany } from "../cases/case-list.ts";
import type { CaseRow } from "../cases/case-rows.ts";
import { CASE_STATES, type CaseStateName, ENDED_STATES } from "../cases/states.ts";
import type { CaseFacts } from "../cases/views.ts";
import type { Scope } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import { reading } from "../store/transactions.ts";
import type { Listed } from "./desk-views.ts";
import { heldBy } from "./held-cases.ts";
import { follows, type Order, placeOf } from "./keyset.ts";

/** `number` is the order in which they were opened; what has no time to be over comes last. */
export const CASE_SORTS = ["number", "updatedAtMs", "dueTotalAtMs"] as const;
export type CaseSort = (typeof CASE_SORTS)[number] | `-${(typeof CASE_SORTS)[number]}`;

export interface CaseQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: string;
  /** Newest first where left out. */
  readonly sort?: CaseSort;
  readonly open?: boolean;
  readonly state?: CaseStateName;
  readonly siteId?: string;
  readonly family?: string;
  readonly severity?: string;
  readonly foundBy?: string;
  readonly late?: boolean;
  /** Those whose place nobody knows, or the others. */
  readonly toLocate?: boolean;
  readonly category?: string;
  /** The unit that answers for it. */
  readonly unitId?: string;
  /** A crew that is or was on it. */
  readonly crewId?: string;
  /** Opened from/before. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly scope?: Pick<Scope, "isWhole" | "unitIds">;
}

const NEVER_MS = Number.MAX_SAFE_INTEGER;

const VALUES = {
  number: (row: CaseRow) => row.number,
  updatedAtMs: (row: CaseRow) => row.updated_at_ms,
  dueTotalAtMs: (row: CaseRow) => row.due_total_at_ms ?? NEVER_MS,
} as const;

function orderOf(sort: CaseSort) {
  const isFalling = sort.startsWith("-");
  const name = CASE_SORTS.find((one) => one === sort || `-${one}` === sort) ?? "number";
  const columns = {
    number: sql.ref<number>("cases.number"),
    updatedAtMs: sql.ref<number>("cases.updated_at_ms"),
    dueTotalAtMs: sql<number>`coalesce(cases.due_total_at_ms, ${sql.lit(NEVER_MS)})`,
  };
  const order: Order = { name, value: columns[name], key: columns.number, isNumbered: true, isFalling };
  return { order, valueOf: VALUES[name] };
}

/** @throws BridgeError CURSOR_INVALID */
export async function caseList(db: Db, query: CaseQuery): Promise<Listed<CaseFacts>> {
  return reading(db, async (trx) => {
    const { order, valueOf: rankOf } = orderOf(query.sort ?? "-number");
    const way = order.isFalling ? "desc" : "asc";
    let rows = trx
      .selectFrom("cases")
      .selectAll("cases")
      .orderBy(order.value, way)
      .orderBy(order.key, way)
      .limit(query.limit + 1);
    if (query.before !== undefined) rows = rows.where(follows(order, query.before));
    if (query.siteId !== undefined) rows = rows.where("site_id", "=", query.siteId);
    if (query.family !== undefined) rows = rows.where("family", "=", query.family);
    if (query.severity !== undefined) rows = rows.where("severity", "=", query.severity);
    if (query.foundBy !== undefined) rows = rows.where("found_by", "=", query.foundBy);
    if (query.late !== undefined) rows = rows.where("late", "=", query.late ? 1 : 0);
    if (query.toLocate !== undefined) rows = rows.where("to_locate", "=", query.toLocate ? 1 : 0);
    if (query.category !== undefined) rows = rows.where("category", "=", query.category);
    if (query.unitId !== undefined) rows = rows.where("unit_id", "=", query.unitId);
    if (query.state !== undefined) rows = rows.where("state", "=", query.state);
    if (query.fromMs !== undefined) rows = rows.where("opened_at_ms", ">=", query.fromMs);
    if (query.toMs !== undefined) rows = rows.where("opened_at_ms", "<", query.toMs);
    if (query.open !== undefined) {
      const states = CASE_STATES.filter((state) => ENDED_STATES.includes(state) !== query.open);
      rows = rows.where("state", "in", states);
    }
    const { crewId, scope } = query;
    if (crewId !== undefined) {
      const legs = trx.selectFrom("assignments").select("case_id").where("crew_id", "=", crewId);
      rows = rows.where("cases.id", "in", legs);
    }
    if (scope !== undefined && !scope.isWhole) {
      rows = rows.where(await heldBy(trx, [...scope.unitIds]));
    }
    const found = await rows.execute();
    const page = found.slice(0, query.limit);
    const items = await caseFactsOfMany(trx, page);
    const last = page.at(-1);
    const isMore = found.length > page.length && last !== undefined;
    return { items, ...(isMore ? { next: placeOf(order, rankOf(last), last.number) } : {}) };
  });
}

import { type WhistleFacts, whistleFacts } from "../cases/whistle-rows.ts";
import type { Scope } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import { reading } from "../store/transactions.ts";
import type { Listed } from "./desk-views.ts";

export interface WhistleQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: string;
  readonly state?: string;
  /** Blown by this unit, or calling it. */
  readonly unitId?: string;
  readonly caseId?: string;
  readonly scope?: Pick<Scope, "isWhole" | "unitIds">;
}

/** Newest file number first. */
export async function whistleList(db: Db, query: WhistleQuery): Promise<Listed<WhistleFacts>> {
  return reading(db, async (trx) => {
    let rows = trx
      .selectFrom("whistles")
      .selectAll()
      .orderBy("file_number", "desc")
      .limit(query.limit + 1);
    const { before, state, unitId, caseId } = query;
    if (before !== undefined) rows = rows.where("file_number", "<", before);
    if (state !== undefined) rows = rows.where("state", "=", state);
    if (caseId !== undefined) rows = rows.where("case_id", "=", caseId);
    if (unitId !== undefined) {
      const called = trx.selectFrom("whistle_legs").select("whistle_id").where("unit_id", "=", unitId);
      rows = rows.where((or) => or.or([or("from_unit_id", "=", unitId), or("id", "in", called)]));
    }
    const { scope } = query;
    if (scope !== undefined && !scope.isWhole) {
      const held = trx
        .selectFrom("case_units")
        .select("case_id")
        .where("unit_id", "in", [...scope.unitIds, ""]);
      rows = rows.where("case_id", "in", held);
    }
    const found = await rows.execute();
    const page = found.slice(0, query.limit);
    const items: WhistleFacts[] = [];
    for (const row of page) items.push(await whistleFacts(trx, row));
    const last = page.at(-1);
    return { items, ...(found.length > page.length && last !== undefined ? { next: last.file_number } : {}) };
  });
}

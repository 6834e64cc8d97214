import { type ReportFacts, reportFacts } from "../cases/report-rows.ts";
import type { Scope } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import type { Listed } from "./desk-views.ts";

export interface ReportQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: string;
  readonly source?: string;
  readonly externalId?: string;
  readonly caseId?: string;
  /** Those with a result that their source has not taken yet. */
  readonly answered?: boolean;
  readonly scope?: Pick<Scope, "isWhole" | "unitIds">;
}

/** Newest first. */
export async function reportList(db: Db, query: ReportQuery): Promise<Listed<ReportFacts>> {
  let rows = db
    .selectFrom("reports")
    .selectAll()
    .orderBy("received_at_ms", "desc")
    .orderBy("id", "desc")
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
  const [atText, id] = (query.before ?? "").split(":");
  const atMs = Number(atText);
  if (id !== undefined && Number.isSafeInteger(atMs)) {
    rows = rows.where((or) =>
      or.or([or("received_at_ms", "<", atMs), or.and([or("received_at_ms", "=", atMs), or("id", "<", id)])]),
    );
  }
  const found = await rows.execute();
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(reportFacts),
    ...(found.length > page.length && last !== undefined ? { next: `${last.received_at_ms}:${last.id}` } : {}),
  };
}

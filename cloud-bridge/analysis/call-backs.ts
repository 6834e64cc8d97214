import type { Db } from "../store/database.ts";
import type { Period } from "./period.ts";
import type { CallBack } from "./response.ts";

/** What reporters said when they were called back, of cases opened in the period. */
export async function callBacksOf(db: Db, { fromMs, toMs }: Period): Promise<readonly CallBack[]> {
  const rows = await db
    .selectFrom("reports")
    .innerJoin("cases", "cases.id", "reports.case_id")
    .select(["reports.case_id", "reports.is_resolved", "reports.satisfaction"])
    .where("reports.called_back_at_ms", "is not", null)
    .where("cases.opened_at_ms", ">=", fromMs)
    .where("cases.opened_at_ms", "<", toMs)
    .execute();
  return rows.map(({ case_id, is_resolved, satisfaction }) => ({
    caseId: case_id,
    ...(is_resolved === null ? {} : { isResolved: is_resolved === 1 }),
    ...(satisfaction === null ? {} : { satisfaction }),
  }));
}

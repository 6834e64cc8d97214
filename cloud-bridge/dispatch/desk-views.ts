import { loadCase } from "../cases/case-rows.ts";
import { type ReportFacts, reportFacts, reportsOfCase } from "../cases/report-rows.ts";
import { readTimeline, type TimelineFacts } from "../cases/timeline.ts";
import {
  type AlarmFacts,
  type AssignmentFacts,
  alarmFacts,
  assignmentsOf,
  type CaseFacts,
  caseFacts,
} from "../cases/views.ts";
import { type WhistleFacts, whistleFacts, whistlesOfCase } from "../cases/whistle-rows.ts";
import { type EvidenceFacts, evidenceFacts, evidenceOfCase } from "../evidence/evidence-views.ts";
import type { CandidateFacts } from "../roster/candidates.ts";
import type { Db, Trx } from "../store/database.ts";
import { reading } from "../store/transactions.ts";
import { storedCandidates } from "./send-crew.ts";

/** A page of a list: `next` is given back as `before`. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface CaseDetailFacts {
  readonly case: CaseFacts;
  readonly timeline: TimelineFacts[];
  readonly assignments: AssignmentFacts[];
  readonly candidates: CandidateFacts[];
  readonly alarms: AlarmFacts[];
  readonly evidence: EvidenceFacts[];
  readonly reports: ReportFacts[];
  readonly whistles: WhistleFacts[];
  readonly children: CaseFacts[];
}

/** @throws BridgeError CASE_UNKNOWN */
export async function caseDetail(db: Db, caseId: string): Promise<CaseDetailFacts> {
  return reading(db, async (trx) => {
    const row = await loadCase(trx, caseId);
    const alarms = await alarmsOf(trx, caseId);
    const evidence: EvidenceFacts[] = [];
    for (const found of await evidenceOfCase(trx, caseId)) evidence.push(await evidenceFacts(trx, found));
    const whistles: WhistleFacts[] = [];
    for (const found of await whistlesOfCase(trx, caseId)) whistles.push(await whistleFacts(trx, found));
    const children: CaseFacts[] = [];
    const parts = await trx.selectFrom("cases").selectAll().where("parent_id", "=", caseId).orderBy("number").execute();
    for (const part of parts) children.push(await caseFacts(trx, part));
    const decision = await trx
      .selectFrom("decisions")
      .select("candidates")
      .where("case_id", "=", caseId)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    return {
      case: await caseFacts(trx, row),
      timeline: [...(await readTimeline(trx, caseId))],
      assignments: [...(await assignmentsOf(trx, { caseId }))],
      candidates: decision === undefined ? [] : [...storedCandidates(decision.candidates)],
      alarms: [...alarms],
      evidence,
      reports: (await reportsOfCase(trx, caseId)).map(reportFacts),
      whistles,
      children,
    };
  });
}

async function alarmsOf(trx: Trx, caseId: string): Promise<readonly AlarmFacts[]> {
  const rows = await trx
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .selectAll("alarms")
    .where("case_alarms.case_id", "=", caseId)
    .orderBy("case_alarms.joined_at_ms")
    .orderBy("case_alarms.alarm_id")
    .limit(1000)
    .execute();
  return rows.map((row) => alarmFacts(row, caseId));
}

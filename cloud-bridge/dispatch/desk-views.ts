import { caseFactsOfMany } from "../cases/case-list.ts";
import { loadCase } from "../cases/case-rows.ts";
import { type ReportFacts, reportFacts, reportsOfCase } from "../cases/report-rows.ts";
import { CASE_STATES, ENDED_STATES } from "../cases/states.ts";
import { readTimeline, type TimelineFacts } from "../cases/timeline.ts";
import {
  type AlarmFacts,
  type AssignmentFacts,
  alarmFacts,
  assignmentsOf,
  type CaseFacts,
  caseFacts,
} from "../cases/views.ts";
import { type EvidenceFacts, evidenceFacts, evidenceOfAlarms } from "../evidence/evidence-views.ts";
import type { CandidateFacts } from "../roster/candidates.ts";
import type { Db, Trx } from "../store/database.ts";
import { reading } from "../store/transactions.ts";
import { storedCandidates } from "./send-crew.ts";

/** A page of a list: `next` is given back as `before`. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface CaseQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: string;
  readonly open?: boolean;
  readonly siteId?: string;
  /** Those whose place nobody knows, or the others. */
  readonly toLocate?: boolean;
  readonly category?: string;
  readonly unitId?: string;
}

export interface CaseDetailFacts {
  readonly case: CaseFacts;
  readonly timeline: TimelineFacts[];
  readonly assignments: AssignmentFacts[];
  readonly candidates: CandidateFacts[];
  readonly alarms: AlarmFacts[];
  readonly evidence: EvidenceFacts[];
  readonly reports: ReportFacts[];
}

/** Newest first. */
export async function caseList(db: Db, query: CaseQuery): Promise<Listed<CaseFacts>> {
  return reading(db, async (trx) => {
    let rows = trx
      .selectFrom("cases")
      .selectAll()
      .orderBy("number", "desc")
      .limit(query.limit + 1);
    const before = Number(query.before);
    if (query.before !== undefined && Number.isSafeInteger(before)) rows = rows.where("number", "<", before);
    if (query.siteId !== undefined) rows = rows.where("site_id", "=", query.siteId);
    if (query.toLocate !== undefined) rows = rows.where("to_locate", "=", query.toLocate ? 1 : 0);
    if (query.category !== undefined) rows = rows.where("category", "=", query.category);
    if (query.unitId !== undefined) rows = rows.where("unit_id", "=", query.unitId);
    if (query.open !== undefined) {
      const states = CASE_STATES.filter((state) => ENDED_STATES.includes(state) !== query.open);
      rows = rows.where("state", "in", states);
    }
    const found = await rows.execute();
    const page = found.slice(0, query.limit);
    const items = await caseFactsOfMany(trx, page);
    const last = page.at(-1);
    return { items, ...(found.length > page.length && last !== undefined ? { next: String(last.number) } : {}) };
  });
}

/** @throws BridgeError CASE_UNKNOWN */
export async function caseDetail(db: Db, caseId: string): Promise<CaseDetailFacts> {
  return reading(db, async (trx) => {
    const row = await loadCase(trx, caseId);
    const alarms = await alarmsOf(trx, caseId);
    const ids = alarms.map(({ alarmId }) => alarmId);
    const evidence: EvidenceFacts[] = [];
    for (const found of await evidenceOfAlarms(trx, ids)) evidence.push(await evidenceFacts(trx, found));
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
    .limit(1000)
    .execute();
  return rows.map((row) => alarmFacts(row, caseId));
}

/** Newest first. */
export async function alarmList(
  db: Db,
  query: { readonly limit: number; readonly before?: string; readonly node?: string },
): Promise<Listed<AlarmFacts>> {
  let rows = db
    .selectFrom("alarms")
    .leftJoin("case_alarms", "case_alarms.alarm_id", "alarms.alarm_id")
    .selectAll("alarms")
    .select("case_alarms.case_id")
    .orderBy("alarms.received_at_ms", "desc")
    .orderBy("alarms.alarm_id", "desc")
    .limit(query.limit + 1);
  if (query.node !== undefined) rows = rows.where("alarms.node", "=", query.node);
  const [atText, id] = (query.before ?? "").split(":");
  const atMs = Number(atText);
  if (id !== undefined && Number.isSafeInteger(atMs)) {
    rows = rows.where((or) =>
      or.or([
        or("alarms.received_at_ms", "<", atMs),
        or.and([or("alarms.received_at_ms", "=", atMs), or("alarms.alarm_id", "<", id)]),
      ]),
    );
  }
  const found = await rows.execute();
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map((row) => alarmFacts(row, row.case_id)),
    ...(found.length > page.length && last !== undefined ? { next: `${last.received_at_ms}:${last.alarm_id}` } : {}),
  };
}

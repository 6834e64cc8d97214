import type { Selectable } from "kysely";
import type { ReportsTable } from "../store/casework-tables.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";

export type ReportRow = Selectable<ReportsTable>;

/** An order of a hotline, a citizen's own word, what a patrol or a round over the cameras found. */
export const REPORT_CHANNELS = ["order", "citizen", "patrol", "video-round"] as const;
export type ReportChannel = (typeof REPORT_CHANNELS)[number];

/** What the source of a report is told once its case is over. */
export interface ReportResult {
  readonly caseNumber: number;
  readonly state: string;
  readonly closedAtMs: number;
  readonly outcome?: string;
  readonly ground?: string;
  readonly penaltyNumber?: string;
  /** What each department did that a whistle called. */
  readonly parts?: { readonly unitId: string; readonly unitName: string; readonly result: string }[];
}

/** Shape of the API's ReportView. */
export interface ReportFacts {
  readonly id: string;
  readonly source: string;
  readonly externalId: string;
  readonly channel: ReportChannel;
  readonly title: string;
  readonly description?: string;
  readonly category?: string;
  readonly address?: string;
  readonly reporter?: string;
  readonly contact?: string;
  readonly position?: { latitudeDeg: number; longitudeDeg: number; accuracyM?: number };
  readonly receivedAtMs: number;
  readonly occurredAtMs?: number;
  readonly caseId: string;
  readonly how: "opened" | "joined" | "reopened";
  readonly result?: ReportResult;
  readonly resultAtMs?: number;
  readonly resultTakenAtMs?: number;
  readonly calledBackAtMs?: number;
  readonly calledBackBy?: string;
  readonly isResolved?: boolean;
  readonly satisfaction?: number;
}

/** What of a case the answer to its reporters is made of. */
interface AnsweringCase {
  readonly id: string;
  readonly number: number;
  readonly outcome: string | null;
  readonly ground: string | null;
  readonly penalty_number: string | null;
}

/** The case has ended: every source that reported it can fetch its result. */
export async function answerReports(trx: Trx, row: AnsweringCase, state: string, nowMs: number): Promise<void> {
  const parts = await trx
    .selectFrom("whistle_legs")
    .innerJoin("whistles", "whistles.id", "whistle_legs.whistle_id")
    .innerJoin("units", "units.id", "whistle_legs.unit_id")
    .select(["units.id", "units.name", "whistle_legs.result"])
    .where("whistles.case_id", "=", row.id)
    .where("whistle_legs.state", "=", "handled")
    .orderBy("whistle_legs.ended_at_ms")
    .execute();
  const result: ReportResult = {
    caseNumber: row.number,
    state,
    closedAtMs: nowMs,
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.ground === null ? {} : { ground: row.ground }),
    ...(row.penalty_number === null ? {} : { penaltyNumber: row.penalty_number }),
    ...(parts.length === 0
      ? {}
      : { parts: parts.map(({ id, name, result }) => ({ unitId: id, unitName: name, result: result ?? "" })) }),
  };
  await trx
    .updateTable("reports")
    .set({ result: JSON.stringify(result), result_at_ms: nowMs, result_taken_at_ms: null })
    .where("case_id", "=", row.id)
    .execute();
}

/** The case is open again: what its sources were told no longer holds, and they will be told anew. */
export async function withdrawAnswers(trx: Trx, caseId: string): Promise<void> {
  const none = { result: null, result_at_ms: null, result_taken_at_ms: null };
  await trx.updateTable("reports").set(none).where("case_id", "=", caseId).execute();
}

/** @throws BridgeError REPORT_UNKNOWN */
export async function loadReport(db: Db | Trx, id: string): Promise<ReportRow> {
  const row = await db.selectFrom("reports").selectAll().where("id", "=", id).executeTakeFirst();
  if (row !== undefined) return row;
  throw new BridgeError("REPORT_UNKNOWN", `there is no report ${id}`, {
    status: 404,
    hint: "GET /api/v1/reports lists them.",
  });
}

export async function reportsOfCase(trx: Db | Trx, caseId: string): Promise<readonly ReportRow[]> {
  return trx
    .selectFrom("reports")
    .selectAll()
    .where("case_id", "=", caseId)
    .orderBy("received_at_ms")
    .orderBy("id")
    .execute();
}

export function reportFacts(row: ReportRow): ReportFacts {
  const { latitude_deg: latitudeDeg, longitude_deg: longitudeDeg, accuracy_m: accuracyM } = row;
  return {
    id: row.id,
    source: row.source,
    externalId: row.external_id,
    channel: REPORT_CHANNELS.find((channel) => channel === row.channel) ?? "order",
    title: row.title,
    ...given({
      description: row.description,
      category: row.category,
      address: row.address,
      reporter: row.reporter,
      contact: row.contact,
      occurredAtMs: row.occurred_at_ms,
      resultAtMs: row.result_at_ms,
      resultTakenAtMs: row.result_taken_at_ms,
      calledBackAtMs: row.called_back_at_ms,
      calledBackBy: row.called_back_by,
      satisfaction: row.satisfaction,
    }),
    ...(latitudeDeg === null || longitudeDeg === null
      ? {}
      : { position: { latitudeDeg, longitudeDeg, ...given({ accuracyM }) } }),
    receivedAtMs: row.received_at_ms,
    caseId: row.case_id,
    how: HOW.find((how) => how === row.how) ?? "opened",
    // As answerReports wrote it.
    ...(row.result === null ? {} : { result: JSON.parse(row.result) as ReportResult }),
    ...(row.is_resolved === null ? {} : { isResolved: row.is_resolved === 1 }),
  };
}

const HOW = ["opened", "joined", "reopened"] as const;

/** Without the fields that are null. */
export function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

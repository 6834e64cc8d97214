import { traceOf } from "../../protocol/trace.ts";
import type { Db, Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";

/** A step on the way of an alarm through a case. */
export interface TraceStep {
  readonly sentence: string;
  /** Absent: the alarm that the case goes back to. */
  readonly alarmId?: string;
  /** Empty: it is about no case. */
  readonly caseId: string;
  readonly fields: object;
}

/**
 * The trace of what a case makes happen: of the alarm that opened it or brought it back last. An alarm that merely joined
 * has its own up to there. A case that people reported has its own id.
 */
export async function traceOfCase(db: Db | Trx, caseId: string): Promise<string> {
  const [row] = (await openingAlarm(db, { caseId })).rows;
  return traceOf(row?.alarm_id ?? caseId);
}

const openingAlarm = prepared((db, { caseId }: { caseId: string }) =>
  db
    .selectFrom("case_alarms")
    .select("alarm_id")
    .where("case_id", "=", caseId)
    .where("how", "in", ["opened", "recurrence"])
    .orderBy("joined_at_ms", "desc")
    .orderBy("alarm_id", "desc")
    .limit(1),
);

/** What the log says of each step, with its trace. */
export async function tracedSteps(trx: Trx, steps: readonly TraceStep[]): Promise<readonly (TraceStep & Traced)[]> {
  const known = new Map<string, string>();
  const traced: (TraceStep & Traced)[] = [];
  for (const step of steps) {
    const { alarmId, caseId } = step;
    if (alarmId !== undefined) traced.push({ ...step, trace: traceOf(alarmId) });
    else if (caseId !== "") {
      const trace = known.get(caseId) ?? (await traceOfCase(trx, caseId));
      known.set(caseId, trace);
      traced.push({ ...step, trace });
    }
  }
  return traced;
}

interface Traced {
  readonly trace: string;
}

import { assignCrew, propose } from "../cases/assignment-rows.ts";
import { amend, type CaseRow, type Change, note, positionOf, touch } from "../cases/case-rows.ts";
import { type DeskSettings, scaledMs } from "../cases/settings.ts";
import { setTimer } from "../cases/timers.ts";
import { type CandidateFacts, findCandidates, type Matter } from "../roster/candidates.ts";
import { holdersOfRadio } from "../roster/holders.ts";
import type { FaultPoints } from "../store/fault-points.ts";

/** Looks for crews and stores what was found, with every reason, as it was at this moment. */
export async function lookForCrews(
  change: Change,
  row: CaseRow,
  settings: DeskSettings,
): Promise<readonly CandidateFacts[]> {
  const { trx, nowMs } = change;
  const barred = await barredCrews(change, row, settings);
  const candidates = await findCandidates(trx, await matterOf(change, row), barred, nowMs, settings.candidates);
  const verdict = JSON.stringify(candidates.map(({ crewId, eligible }) => [crewId, eligible]));
  const last = await lastDecision(change, row.id);
  const isSame =
    last !== undefined && JSON.stringify(last.map(({ crewId, eligible }) => [crewId, eligible])) === verdict;
  if (!isSame || candidates.some(({ eligible }) => eligible)) {
    await trx
      .insertInto("decisions")
      .values({ case_id: row.id, at_ms: nowMs, candidates: JSON.stringify(candidates) })
      .execute();
  }
  if (!isSame && !candidates.some(({ eligible }) => eligible)) {
    const detail = { looked: candidates.map(({ crewId, reasons }) => ({ crewId, reasons })) };
    const cause = candidates.length === 0 ? "there is no crew at all" : "no crew can be sent";
    await note(change, row.id, { kind: "no-crew", actor: "system:dispatch", channel: "system", cause, detail });
  }
  return candidates;
}

/** The dispatch timer is due: sends the first candidate, or looks again later. A case that no longer waits is left alone. */
export async function sendFirst(
  change: Change,
  row: CaseRow,
  settings: DeskSettings,
  faultPoints: FaultPoints,
): Promise<void> {
  if (!isWaiting(row)) return;
  const [best] = (await lookForCrews(change, row, settings)).filter(({ eligible }) => eligible);
  const { trx, nowMs } = change;
  if (best === undefined) {
    await setTimer(trx, "dispatch", row.id, nowMs + scaledMs(settings, settings.retryMs), nowMs);
    if (row.auto_dispatch_at_ms !== null) await amend(change, row, { auto_dispatch_at_ms: null });
    return;
  }
  await assignCrew(change, row, {
    crewId: best.crewId,
    by: "system:dispatch",
    channel: "system",
    cause: best.reasons.join(", "),
    distanceM: best.distanceM,
    etaMs: best.etaMs,
    acknowledgeMs: scaledMs(settings, settings.acknowledgeMs),
  });
  faultPoints.reach("bridge-mid-assignment");
}

/** The propose timer is due: names the first candidate; sending it is the desk's word, or the dispatch timer's. */
export async function proposeFirst(change: Change, row: CaseRow, settings: DeskSettings): Promise<void> {
  if (!isWaiting(row)) return;
  const [best] = (await lookForCrews(change, row, settings)).filter(({ eligible }) => eligible);
  if (await propose(change, row.id, best)) touch(change, row.id);
  if (best !== undefined || row.auto_dispatch_at_ms !== null) return;
  await setTimer(change.trx, "propose", row.id, change.nowMs + scaledMs(settings, settings.retryMs), change.nowMs);
}

/** What the crew is sent for. A unit whose crew the desk sent has no part by that alone. */
async function matterOf({ trx }: Change, row: CaseRow): Promise<Matter> {
  const parts = await trx
    .selectFrom("case_units")
    .select("unit_id")
    .where("case_id", "=", row.id)
    .where("why", "<>", "crew")
    .execute();
  return {
    place: positionOf(row),
    category: row.category ?? row.family,
    unitIds: parts.map(({ unit_id }) => unit_id),
    isHelp: row.family === "emergency",
  };
}

/** Crews that declined this case or did not answer, for a while. */
async function barredCrews(
  { trx, nowMs }: Change,
  { id: caseId, severity }: CaseRow,
  settings: DeskSettings,
): Promise<ReadonlyMap<string, string>> {
  const rows = await trx
    .selectFrom("assignments")
    .select(["crew_id", "end_cause"])
    .where("case_id", "=", caseId)
    .where("end_cause", "in", ["declined", "no-answer"])
    .where("ended_at_ms", ">", nowMs - scaledMs(settings, settings.barredMs))
    .execute();
  const callers = await trx
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .select("alarms.subject_id")
    .where("case_alarms.case_id", "=", caseId)
    .where("alarms.family", "=", "emergency")
    .where("alarms.subject_type", "=", "issi")
    .execute();
  const calling = await Promise.all(callers.map(({ subject_id: issi }) => holdersOfRadio(trx, issi, nowMs)));
  // What is not urgent is not heaped upon who has something already; the desk may do so.
  const working =
    severity === "urgent"
      ? []
      : await trx
          .selectFrom("assignments")
          .innerJoin("cases", "cases.id", "assignments.case_id")
          .select(["assignments.crew_id", "cases.number"])
          .where("assignments.active", "=", 1)
          .where("assignments.holds", "=", 0)
          .execute();
  return new Map([
    ...working.map(({ crew_id, number }) => [crew_id, `has case ${number} already`] as const),
    ...rows.map(
      (row) => [row.crew_id, row.end_cause === "declined" ? "declined this case" : "did not answer"] as const,
    ),
    // Whoever calls for help is not sent to help himself.
    ...calling.flat().map(({ crewId }) => [crewId, "calls for help itself"] as const),
  ]);
}

async function lastDecision({ trx }: Change, caseId: string): Promise<readonly CandidateFacts[] | undefined> {
  const row = await trx
    .selectFrom("decisions")
    .select("candidates")
    .where("case_id", "=", caseId)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : storedCandidates(row.candidates);
}

/** Candidates as this program stored them. */
export function storedCandidates(text: string): readonly CandidateFacts[] {
  return JSON.parse(text) as readonly CandidateFacts[];
}

function isWaiting(row: CaseRow): boolean {
  return row.state === "open" && row.late === 0 && row.dispatchable === 1;
}

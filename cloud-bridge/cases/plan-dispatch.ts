import { propose } from "./assignment-rows.ts";
import { amend, type CaseRow, type Change } from "./case-rows.ts";
import { resumeClocks, startClocks } from "./clocks.ts";
import { policyFor } from "./dispatch-policy.ts";
import { type DeskSettings, scaledMs } from "./settings.ts";
import { cancelTimer, setTimer } from "./timers.ts";

/**
 * Sets the timers that the policy wants for a case that waits for a crew. The timers commit with the case, so that a
 * bridge that dies in between still sends somebody when it is back.
 * A case whose place nobody knows waits for that first; its clocks run.
 * @param isNext another crew has just dropped out: the desk had its time already, `auto-after` sends the next at once
 */
export async function planDispatch(
  change: Change,
  waiting: CaseRow,
  settings: DeskSettings,
  isNext = false,
): Promise<CaseRow> {
  if (waiting.state !== "open" || waiting.late === 1 || waiting.dispatchable === 0) return waiting;
  const begun = waiting.due_total_at_ms === null ? await startClocks(change, waiting, settings) : waiting;
  // They rested while a permit held it.
  const row = await resumeClocks(change, begun, settings);
  if (row.to_locate === 1) return row;
  const { trx, nowMs } = change;
  const { policy, afterSeconds } = policyFor(settings, {
    ...row,
    atMs: nowMs,
    timeZone: await zoneOf(change, row, settings),
  });
  if (policy === "auto" || (policy === "auto-after" && isNext)) {
    await setTimer(trx, "dispatch", row.id, nowMs, nowMs);
    return row;
  }
  await setTimer(trx, "propose", row.id, nowMs, nowMs);
  if (policy === "propose") return row;
  const dueAtMs = nowMs + scaledMs(settings, afterSeconds * 1000);
  await setTimer(trx, "dispatch", row.id, dueAtMs, nowMs);
  return amend(change, row, { auto_dispatch_at_ms: dueAtMs });
}

/** The case no longer waits for a crew, and nobody is proposed for it. */
export async function cancelDispatch(change: Change, caseId: string): Promise<void> {
  for (const kind of ["propose", "dispatch"] as const) await cancelTimer(change.trx, kind, caseId, change.nowMs);
  await propose(change, caseId, undefined);
}

/** Of the site; the city's where the case has none. Asked only where some policy goes by the clock. */
async function zoneOf({ trx }: Change, row: CaseRow, { exceptions, timeZone }: DeskSettings): Promise<string> {
  if (row.site_id === null || exceptions.every(({ period }) => period === undefined)) return timeZone;
  const site = await trx.selectFrom("sites").select("time_zone").where("id", "=", row.site_id).executeTakeFirst();
  return site?.time_zone ?? timeZone;
}

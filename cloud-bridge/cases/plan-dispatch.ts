import { bodyOf } from "../alarms/alarm-rows.ts";
import { propose } from "./assignment-rows.ts";
import { amend, type CaseRow, type Change, note } from "./case-rows.ts";
import { pauseClocks, resumeClocks, startClocks } from "./clocks.ts";
import { policyFor } from "./dispatch-policy.ts";
import { type HeldBack, heldBack } from "./held-back.ts";
import { standingPermits } from "./permitted.ts";
import { type DeskSettings, scaledMs } from "./settings.ts";
import { standingAlarms } from "./standing.ts";
import type { NewEntry } from "./timeline.ts";
import { cancelTimer, setTimer } from "./timers.ts";

/**
 * A case waits for a crew, for the first time or again: held where a permit covers all that stands by now, or work at its
 * place does, else sent to by its policy.
 * @param isNext another crew has just dropped out: the desk had its time already, `auto-after` sends the next at once
 */
export async function planDispatch(
  change: Change,
  waiting: CaseRow,
  settings: DeskSettings,
  isNext = false,
): Promise<CaseRow> {
  const entry = { actor: "system:dispatch", channel: "system" } as const;
  const held = (await holdIfPermitted(change, waiting, entry)) ?? (await holdIfInhibited(change, waiting, entry.actor));
  return held ?? planByPolicy(change, waiting, settings, isNext);
}

/**
 * Holds a case that waits for a crew where every alarm of it that stands is under a permit now: as if that had been there
 * when it was opened, with its clocks at rest.
 * @returns undefined where it is not held by this
 */
export async function holdIfPermitted(
  change: Change,
  waiting: CaseRow,
  entry: Omit<NewEntry, "kind">,
): Promise<CaseRow | undefined> {
  if (waiting.family !== "noise" || !isWaiting(waiting)) return undefined;
  const [first, ...others] = await standingPermits(change, waiting.id);
  if (first?.permit === undefined || others.some(({ permit }) => permit === undefined)) return undefined;
  const cause = "a permit covers every alarm of it that stands";
  const detail = { permit: first.permit, ...entry.detail };
  return hold(change, waiting, {}, { cause, ...entry, detail, kind: "permit-held" });
}

/**
 * Holds a case that waits for a crew while everything of it that stands is held back, by work at its place too: as if that
 * had been known when it was opened.
 * @returns undefined where it is not held by this
 */
export async function holdIfInhibited(change: Change, waiting: CaseRow, actor: string): Promise<CaseRow | undefined> {
  if (!isWaiting(waiting)) return undefined;
  const alarms = await standingAlarms(change.trx, waiting.id).selectAll("alarms").execute();
  let work: HeldBack["inhibition"];
  for (const alarm of alarms) {
    const why = await heldBack(change, alarm, bodyOf(alarm));
    if (why === undefined) return undefined;
    work ??= why.inhibition;
  }
  if (work === undefined) return undefined;
  const { id, cause } = work;
  const entry = { actor, channel: "system", cause, detail: { inhibitionId: id } } as const;
  return hold(change, waiting, { inhibited_by: id }, { ...entry, kind: "inhibited" });
}

/** A live case to which nobody was sent, and which nothing holds. */
function isWaiting({ state, late, dispatchable }: CaseRow): boolean {
  return state === "open" && late === 0 && dispatchable === 1;
}

async function hold(
  change: Change,
  waiting: CaseRow,
  by: Partial<Pick<CaseRow, "inhibited_by">>,
  entry: NewEntry,
): Promise<CaseRow> {
  await cancelDispatch(change, waiting.id);
  const row = await amend(change, waiting, { ...by, dispatchable: 0, auto_dispatch_at_ms: null });
  await note(change, waiting.id, entry);
  return pauseClocks(change, row);
}

/**
 * Sets the timers that the policy wants for a case of which it is known that nothing holds it. The timers commit with the
 * case, so that a bridge that dies in between still sends somebody when it is back.
 * A case whose place nobody knows waits for that first; its clocks run.
 */
export async function planByPolicy(
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

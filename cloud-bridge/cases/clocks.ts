import { amend, type CaseRow, type Change } from "./case-rows.ts";
import { type ClockKind, slaOf } from "./catalogue.ts";
import { catalogueNamed } from "./catalogue-rows.ts";
import { type DeskSettings, scaledMs } from "./settings.ts";
import { cancelTimer, setTimer, type TimerKind } from "./timers.ts";

const MINUTE_MS = 60_000;
const CLOCKS = [
  ["arrive", "due_arrive_at_ms"],
  ["total", "due_total_at_ms"],
] as const satisfies readonly (readonly [TimerKind, keyof CaseRow])[];

/** When so many minutes are over by that clock. */
export function dueAtMs(settings: DeskSettings, clock: ClockKind, fromMs: number, minutes: number): number {
  const spanMs = scaledMs(settings, minutes * MINUTE_MS);
  return clock === "wall" ? fromMs + spanMs : settings.workingTime(fromMs, spanMs);
}

/** A case begins to run against its class, or runs anew since it was opened again. What is late or held back has no clocks. */
export async function startClocks(
  change: Change,
  row: CaseRow,
  settings: DeskSettings,
  fromMs: number = change.nowMs,
): Promise<CaseRow> {
  if (row.late === 1 || row.dispatchable === 0 || row.family === "fault") return row;
  if (row.catalogue === null || row.catalogue_version === null) return row;
  const { nowMs, trx } = change;
  const catalogue = await catalogueNamed(trx, row.catalogue, row.catalogue_version);
  const category = catalogue.categories.find(({ code }) => code === row.category);
  const sla = slaOf(catalogue, category);
  const set = {
    sla_class: sla.code,
    clock: sla.clock,
    due_arrive_at_ms: dueAtMs(settings, sla.clock, fromMs, sla.arriveMinutes),
    due_total_at_ms: dueAtMs(settings, sla.clock, fromMs, sla.totalMinutes),
    clock_paused_at_ms: null,
    escalated_to: null,
  };
  await setTimer(trx, "arrive", row.id, set.due_arrive_at_ms, nowMs);
  await setTimer(trx, "total", row.id, set.due_total_at_ms, nowMs);
  return amend(change, row, set);
}

/** The case rests, and what was left of its times waits with it. */
export async function pauseClocks(change: Change, row: CaseRow): Promise<CaseRow> {
  if (row.due_total_at_ms === null || row.clock_paused_at_ms !== null) return row;
  for (const [kind] of CLOCKS) await cancelTimer(change.trx, kind, row.id, change.nowMs);
  return amend(change, row, { clock_paused_at_ms: change.nowMs });
}

/**
 * The case goes on with what was left. Of a working clock the pause is counted in wall time where it began within working
 * hours: a calendar decides anew when what is left is over.
 */
export async function resumeClocks(change: Change, row: CaseRow, settings: DeskSettings): Promise<CaseRow> {
  const { nowMs, trx } = change;
  const pausedAtMs = row.clock_paused_at_ms;
  if (pausedAtMs === null) return row;
  const set: Record<string, number | null> = { clock_paused_at_ms: null };
  for (const [kind, column] of CLOCKS) {
    const dueMs = row[column];
    // What was over before the pause has been said already.
    if (dueMs === null || dueMs <= pausedAtMs) continue;
    const leftMs = row.clock === "working" ? settings.workingBetween(pausedAtMs, dueMs) : dueMs - pausedAtMs;
    const again = row.clock === "working" ? settings.workingTime(nowMs, leftMs) : nowMs + leftMs;
    set[column] = again;
    await setTimer(trx, kind, row.id, again, nowMs);
  }
  return amend(change, row, set);
}

/** The case is over: nothing of it is due any more. */
export async function stopClocks(change: Change, caseId: string): Promise<void> {
  for (const [kind] of CLOCKS) await cancelTimer(change.trx, kind, caseId, change.nowMs);
}

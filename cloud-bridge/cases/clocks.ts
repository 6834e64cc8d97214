import { calendarOfUnit } from "../roster/calendars.ts";
import { dueAtMs as dueByCalendar, type WorkCalendar, workingMs } from "../roster/work-calendar.ts";
import type { Trx } from "../store/database.ts";
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

/** When so many minutes are over by that clock; working time is that of the unit which answers for the case. */
export async function dueAtMs(
  { trx }: Change,
  row: CaseRow,
  settings: DeskSettings,
  { clock, fromMs, minutes }: { clock: ClockKind; fromMs: number; minutes: number },
): Promise<number> {
  const spanMs = scaledMs(settings, minutes * MINUTE_MS);
  return clock === "wall" ? fromMs + spanMs : worked(await calendarOf(trx, row, settings), fromMs, spanMs);
}

function worked(calendar: WorkCalendar, fromMs: number, spanMs: number): number {
  return dueByCalendar(calendar, { clock: "working", minutes: spanMs / MINUTE_MS }, fromMs) ?? fromMs;
}

function calendarOf(trx: Trx, row: CaseRow, settings: DeskSettings): Promise<WorkCalendar> {
  return calendarOfUnit(trx, row.unit_id ?? undefined, settings.timeZone);
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
  const { clock } = sla;
  const due = (minutes: number) => dueAtMs(change, row, settings, { clock, fromMs, minutes });
  const set = {
    sla_class: sla.code,
    clock: sla.clock,
    due_arrive_at_ms: await due(sla.arriveMinutes),
    due_total_at_ms: await due(sla.totalMinutes),
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

/** The case goes on with what was left, of a working clock in working time. */
export async function resumeClocks(change: Change, row: CaseRow, settings: DeskSettings): Promise<CaseRow> {
  const { nowMs, trx } = change;
  const pausedAtMs = row.clock_paused_at_ms;
  if (pausedAtMs === null) return row;
  const set: Record<string, number | null> = { clock_paused_at_ms: null };
  const calendar = row.clock === "working" ? await calendarOf(trx, row, settings) : undefined;
  for (const [kind, column] of CLOCKS) {
    const dueMs = row[column];
    // What was over before the pause has been said already.
    if (dueMs === null || dueMs <= pausedAtMs) continue;
    const again =
      calendar === undefined
        ? nowMs + dueMs - pausedAtMs
        : worked(calendar, nowMs, workingMs(calendar, pausedAtMs, dueMs));
    set[column] = again;
    await setTimer(trx, kind, row.id, again, nowMs);
  }
  return amend(change, row, set);
}

/** The case is over: nothing of it is due any more. */
export async function stopClocks(change: Change, caseId: string): Promise<void> {
  for (const [kind] of CLOCKS) await cancelTimer(change.trx, kind, caseId, change.nowMs);
}

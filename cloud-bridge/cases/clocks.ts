import { calendarOfUnit } from "../roster/calendars.ts";
import { dueAtMs, type WorkCalendar, workingMs } from "../roster/work-calendar.ts";
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

/** How long something may take. */
export interface Allowed {
  readonly clock: ClockKind;
  readonly minutes: number;
  /** Working days instead of minutes, to the end of the last. */
  readonly workingDays?: number | undefined;
}

/** When that is over, by the calendar of the unit that answers for it. A demonstration scales minutes, never days. */
export async function allowedUntilMs(
  { trx }: Change,
  settings: DeskSettings,
  unitId: string | null,
  fromMs: number,
  { clock, minutes, workingDays }: Allowed,
): Promise<number> {
  const spanMs = scaledMs(settings, minutes * MINUTE_MS);
  if (clock === "wall" && workingDays === undefined) return fromMs + spanMs;
  const calendar = await calendarOfUnit(trx, unitId ?? undefined, settings.timeZone);
  if (workingDays !== undefined) return ended(dueAtMs(calendar, { clock: "working-days", days: workingDays }, fromMs));
  return afterWork(calendar, fromMs, spanMs);
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
  const { code, clock, arriveMinutes, totalMinutes } = sla;
  const until = (allowed: Omit<Allowed, "clock">) =>
    allowedUntilMs(change, settings, row.unit_id, fromMs, { clock, ...allowed });
  const set = {
    sla_class: code,
    clock,
    due_arrive_at_ms: await until({ minutes: arriveMinutes, workingDays: sla.arriveWorkingDays }),
    due_total_at_ms: await until({ minutes: totalMinutes, workingDays: sla.totalWorkingDays }),
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

/** The case goes on with what was left: in wall time, or in the working time of its unit. */
export async function resumeClocks(change: Change, row: CaseRow, settings: DeskSettings): Promise<CaseRow> {
  const { nowMs, trx } = change;
  const pausedAtMs = row.clock_paused_at_ms;
  if (pausedAtMs === null) return row;
  const calendar =
    row.clock === "working" ? await calendarOfUnit(trx, row.unit_id ?? undefined, settings.timeZone) : undefined;
  const set: { -readonly [K in (typeof CLOCKS)[number][1]]?: number } & { clock_paused_at_ms: null } = {
    clock_paused_at_ms: null,
  };
  for (const [kind, column] of CLOCKS) {
    const dueMs = row[column];
    // What was over before the pause has been said already.
    if (dueMs === null || dueMs <= pausedAtMs) continue;
    const again =
      calendar === undefined
        ? nowMs + (dueMs - pausedAtMs)
        : afterWork(calendar, nowMs, workingMs(calendar, pausedAtMs, dueMs));
    set[column] = again;
    await setTimer(trx, kind, row.id, again, nowMs);
  }
  return amend(change, row, set);
}

function afterWork(calendar: WorkCalendar, fromMs: number, spanMs: number): number {
  return ended(dueAtMs(calendar, { clock: "working", minutes: spanMs / MINUTE_MS }, fromMs));
}

/** Without pauses a term always ends. */
function ended(dueMs: number | undefined): number {
  if (dueMs === undefined) throw new Error("a term without pauses has no end");
  return Math.round(dueMs);
}

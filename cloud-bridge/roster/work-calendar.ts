import { isTimeZone, localTimeToUtcMs, offsetMsAt } from "../../protocol/local-time.ts";
import { BridgeError } from "../store/errors.ts";

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Wall clock, `09:00` to `12:00`; `24:00` is the end of the day. Work over midnight is two periods. */
export interface WorkPeriod {
  readonly from: string;
  readonly to: string;
}

/** When people work. Dates are local, `2026-10-01`. */
export interface WorkCalendar {
  readonly timeZone: string;
  /** A day that is left out has no working time. */
  readonly week: Readonly<Partial<Record<Weekday, WorkPeriod[]>>>;
  readonly holidays?: { readonly date: string; readonly name?: string }[];
  /** Days off that are worked (调休上班): with the hours of `like`, Monday's where left out. */
  readonly makeUpDays?: { readonly date: string; readonly name?: string; readonly like?: Weekday }[];
}

/** From/to, UTC; an end that is left out has not come yet. */
export interface Pause {
  readonly fromMs: number;
  readonly toMs?: number;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * How long something may take. `wall`: every minute counts. `working`: only minutes of working time. `working-days`: to the
 * end of the working time of the n-th working day after the day of the start, which does not count itself.
 */
export type Term =
  | { readonly clock: "wall" | "working"; readonly minutes: number }
  | { readonly clock: "working-days"; readonly days: number };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A calendar without working time in ten years has none. */
const MAX_DAYS = 3_660;

/** Monday to Friday, 09:00–12:00 and 13:00–18:00, no holidays: what counts where nobody has loaded a calendar. */
export function defaultCalendar(timeZone: string): WorkCalendar {
  const day: WorkPeriod[] = [
    { from: "09:00", to: "12:00" },
    { from: "13:00", to: "18:00" },
  ];
  return { timeZone, week: { mon: day, tue: day, wed: day, thu: day, fri: day } };
}

/**
 * When a term that began at `startMs` is over. What lies in a pause does not count.
 * @returns undefined while a pause that has no end yet keeps it from ever being over
 * @throws BridgeError CALENDAR_NO_WORK
 */
export function dueAtMs(
  calendar: WorkCalendar,
  term: Term,
  startMs: number,
  pauses: readonly Pause[] = [],
): number | undefined {
  if (term.clock === "working-days") {
    const end = endOfWorkingDay(calendar, startMs, term.days);
    return pauses.length === 0 ? end : addWorking(calendar, workingMs(calendar, startMs, end), startMs, pauses);
  }
  const lengthMs = term.minutes * MINUTE_MS;
  if (term.clock === "working") return addWorking(calendar, lengthMs, startMs, pauses);
  return addTime([{ fromMs: startMs, toMs: Infinity }], lengthMs, startMs, pauses);
}

/** Working time between two moments, without what lies in a pause. */
export function workingMs(calendar: WorkCalendar, fromMs: number, toMs: number, pauses: readonly Pause[] = []): number {
  let sumMs = 0;
  if (toMs <= fromMs) return 0;
  for (let day = localDay(calendar, fromMs); day <= localDay(calendar, toMs); day += 1) {
    for (const span of withoutPauses(spansOfDay(calendar, day), fromMs, pauses)) {
      sumMs += Math.max(0, Math.min(span.toMs, toMs) - span.fromMs);
    }
  }
  return sumMs;
}

export function isWorkingTime(calendar: WorkCalendar, atMs: number): boolean {
  return spansOfDay(calendar, localDay(calendar, atMs)).some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
}

function addWorking(
  calendar: WorkCalendar,
  workMs: number,
  startMs: number,
  pauses: readonly Pause[],
): number | undefined {
  return addTime(spansFrom(calendar, localDay(calendar, startMs)), workMs, startMs, pauses);
}

/** Lays a length of time over spans; at the end of one it is over, not at the beginning of the next. */
function addTime(
  spans: Iterable<Span>,
  lengthMs: number,
  startMs: number,
  pauses: readonly Pause[],
): number | undefined {
  let restMs = lengthMs;
  if (restMs <= 0) return startMs;
  const forGood = Math.min(...pauses.filter(({ toMs }) => toMs === undefined).map(({ fromMs }) => fromMs));
  for (const whole of spans) {
    for (const { fromMs, toMs } of withoutPauses([whole], startMs, pauses)) {
      if (toMs - fromMs >= restMs) return fromMs + restMs;
      restMs -= toMs - fromMs;
    }
    if (whole.toMs >= forGood) return undefined;
  }
  return undefined;
}

function endOfWorkingDay(calendar: WorkCalendar, startMs: number, days: number): number {
  const today = localDay(calendar, startMs);
  let left = Math.max(1, Math.round(days));
  for (let day = today + 1; day < today + 1 + MAX_DAYS + days * 7; day += 1) {
    const last = spansOfDay(calendar, day).at(-1);
    if (last === undefined) continue;
    left -= 1;
    if (left === 0) return last.toMs;
  }
  throw noWork();
}

function* spansFrom(calendar: WorkCalendar, firstDay: number): Generator<Span> {
  let emptyDays = 0;
  for (let day = firstDay; emptyDays < MAX_DAYS; day += 1) {
    const spans = spansOfDay(calendar, day);
    emptyDays = spans.length === 0 ? emptyDays + 1 : 0;
    yield* spans;
  }
  throw noWork();
}

/** What of these spans lies at or after `startMs` and in no pause. */
function withoutPauses(spans: readonly Span[], startMs: number, pauses: readonly Pause[]): readonly Span[] {
  let left = spans.map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, startMs), toMs }));
  for (const { fromMs, toMs = Infinity } of pauses) {
    left = left.flatMap((span) =>
      toMs <= Math.max(fromMs, span.fromMs) || fromMs >= span.toMs
        ? [span]
        : [
            { fromMs: span.fromMs, toMs: fromMs },
            { fromMs: toMs, toMs: span.toMs },
          ],
    );
  }
  return left.filter((span) => span.toMs > span.fromMs);
}

/** Working time of a local day, counted in days since 1970; where summer time skips an edge it moves with the clock. */
function spansOfDay(calendar: WorkCalendar, day: number): readonly Span[] {
  const days = knownDays.get(calendar) ?? new Map<number, readonly Span[]>();
  knownDays.set(calendar, days);
  const known = days.get(day);
  if (known !== undefined) return known;
  const spans = computedSpans(calendar, day);
  days.set(day, spans);
  return spans;
}

/** A calendar never changes, and the zone's tables are slow to ask. */
const knownDays = new WeakMap<WorkCalendar, Map<number, readonly Span[]>>();

function computedSpans(calendar: WorkCalendar, day: number): readonly Span[] {
  const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
  return periodsOf(calendar, day, date)
    .map(({ from, to }) => ({ fromMs: moment(calendar, day, from), toMs: moment(calendar, day, to) }))
    .filter(({ fromMs, toMs }) => toMs > fromMs);
}

function periodsOf(calendar: WorkCalendar, day: number, date: string): readonly WorkPeriod[] {
  const made = calendar.makeUpDays?.find((one) => one.date === date);
  if (made !== undefined) return calendar.week[made.like ?? "mon"] ?? [];
  if (calendar.holidays?.some((one) => one.date === date) === true) return [];
  // The first of January 1970 was a Thursday.
  const weekday = WEEKDAYS[(((day + 3) % 7) + 7) % 7];
  return weekday === undefined ? [] : (calendar.week[weekday] ?? []);
}

function moment({ timeZone }: WorkCalendar, day: number, clock: string): number {
  const [onDay, time] = clock === "24:00" ? [day + 1, "00:00"] : [day, clock];
  const date = new Date(onDay * DAY_MS).toISOString().slice(0, 10);
  // The date is real and the clock was checked when the calendar came.
  return localTimeToUtcMs(`${date}T${time}`, timeZone) ?? onDay * DAY_MS;
}

function localDay({ timeZone }: WorkCalendar, atMs: number): number {
  return Math.floor((atMs + offsetMsAt(atMs, timeZone)) / DAY_MS);
}

/**
 * Refuses a calendar that contradicts itself.
 * @throws BridgeError CALENDAR_INVALID, TIME_ZONE_UNKNOWN
 */
export function assertCalendar(calendar: WorkCalendar): void {
  if (!isTimeZone(calendar.timeZone)) {
    throw new BridgeError("TIME_ZONE_UNKNOWN", `there is no time zone ${calendar.timeZone}`, {
      status: 422,
      hint: "Give an IANA name such as Asia/Shanghai.",
    });
  }
  for (const weekday of WEEKDAYS) {
    let before = "";
    for (const { from, to } of calendar.week[weekday] ?? []) {
      if (from < before || to <= from) throw invalid(`${weekday}: ${from}–${to} does not follow what stands before it`);
      before = to;
    }
  }
  const dates = [...(calendar.holidays ?? []), ...(calendar.makeUpDays ?? [])].map(({ date }) => date);
  const unreal = dates.find((date) => localTimeToUtcMs(`${date}T00:00`, "UTC") === undefined);
  if (unreal !== undefined) throw invalid(`there is no day ${unreal}`);
  const twice = dates.find((date, index) => dates.indexOf(date) !== index);
  if (twice !== undefined) throw invalid(`${twice} stands in it twice`);
  if (WEEKDAYS.every((weekday) => (calendar.week[weekday] ?? []).length === 0)) throw invalid("nobody ever works");
}

function invalid(message: string): BridgeError {
  return new BridgeError("CALENDAR_INVALID", message, {
    status: 422,
    hint: "Periods of a day follow each other (`09:00`–`12:00`, `13:00`–`18:00`); a date is a holiday or a make-up day, once.",
  });
}

function noWork(): BridgeError {
  return new BridgeError("CALENDAR_NO_WORK", "the calendar has no working time within ten years", {
    status: 422,
    hint: "Give its week working hours.",
  });
}

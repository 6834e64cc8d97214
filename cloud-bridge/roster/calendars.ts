import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { CalendarsTable } from "../store/roster-tables.ts";
import { readUnitTree } from "./units.ts";
import { assertCalendar, defaultCalendar, type WorkCalendar } from "./work-calendar.ts";

/** The calendar of whoever names none; version 0 is the one that is built in. */
export const DEFAULT_CALENDAR_ID = "default";

/** One version of a calendar. Versions are never changed: what was computed with one can be computed again. */
export interface CalendarFacts extends WorkCalendar {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  /** Where its days come from, e.g. the notice of that year. */
  readonly source?: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
}

export type NewCalendar = Omit<CalendarFacts, "version" | "createdAtMs" | "createdBy">;

/**
 * Takes a calendar as the next version of its id; it counts from now on.
 * @throws BridgeError CALENDAR_INVALID, TIME_ZONE_UNKNOWN
 */
export async function addCalendar(trx: Trx, calendar: NewCalendar, by: string, nowMs: number): Promise<CalendarFacts> {
  assertCalendar(calendar);
  const newest = await trx
    .selectFrom("calendars")
    .select("version")
    .where("id", "=", calendar.id)
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst();
  const { id, name, timeZone, ...days } = calendar;
  const row = {
    id,
    version: (newest?.version ?? 0) + 1,
    name,
    time_zone: timeZone,
    body: JSON.stringify(days),
    created_at_ms: nowMs,
    created_by: by,
  };
  await trx.insertInto("calendars").values(row).execute();
  return calendarOf(row);
}

/** Newest versions, in order of id; the default is always among them. */
export async function listCalendars(db: Db | Trx, timeZone: string): Promise<readonly CalendarFacts[]> {
  const rows = await db.selectFrom("calendars").selectAll().orderBy("id").orderBy("version").execute();
  const newest = new Map(rows.map((row) => [row.id, calendarOf(row)]));
  if (!newest.has(DEFAULT_CALENDAR_ID)) newest.set(DEFAULT_CALENDAR_ID, builtIn(timeZone));
  return [...newest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * @param version the newest where left out
 * @throws BridgeError CALENDAR_UNKNOWN
 */
export async function findCalendar(
  db: Db | Trx,
  id: string,
  { version, timeZone }: { version?: number | undefined; timeZone: string },
): Promise<CalendarFacts> {
  let rows = db.selectFrom("calendars").selectAll().where("id", "=", id).orderBy("version", "desc").limit(1);
  if (version !== undefined) rows = rows.where("version", "=", version);
  const row = await rows.executeTakeFirst();
  if (row !== undefined) return calendarOf(row);
  if (id === DEFAULT_CALENDAR_ID && (version ?? 0) === 0) return builtIn(timeZone);
  throw new BridgeError("CALENDAR_UNKNOWN", `there is no calendar ${id}${version === undefined ? "" : ` ${version}`}`, {
    status: 404,
    hint: "GET /api/v1/calendars lists them.",
  });
}

/** What counts for a unit: its own calendar, else that of the nearest unit above which names one, else the default. */
export async function calendarOfUnit(
  db: Db | Trx,
  unitId: string | undefined,
  timeZone: string,
): Promise<CalendarFacts> {
  const path = unitId === undefined ? [] : (await readUnitTree(db)).path(unitId);
  const id = path.findLast(({ calendarId }) => calendarId !== undefined)?.calendarId;
  return findCalendar(db, id ?? DEFAULT_CALENDAR_ID, { timeZone });
}

function builtIn(timeZone: string): CalendarFacts {
  const facts = { id: DEFAULT_CALENDAR_ID, version: 0, name: "Monday to Friday, no holidays" };
  return { ...facts, ...defaultCalendar(timeZone), createdAtMs: 0, createdBy: "system:roster" };
}

function calendarOf(row: Selectable<CalendarsTable>): CalendarFacts {
  const days = JSON.parse(row.body) as Omit<WorkCalendar, "timeZone"> & { source?: string };
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    timeZone: row.time_zone,
    ...days,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
  };
}

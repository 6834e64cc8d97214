import { type Static, Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { RegisterId } from "./roster.ts";

const LocalDate = Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
const Period = Type.Object({
  from: Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
  to: Type.String({ pattern: "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" }),
});
const Periods = Type.Optional(Type.Array(Period, { maxItems: 8 }));
const Name = Type.Optional(Type.String({ minLength: 1, maxLength: 100 }));
const Weekday = Type.Union([
  Type.Literal("mon"),
  Type.Literal("tue"),
  Type.Literal("wed"),
  Type.Literal("thu"),
  Type.Literal("fri"),
  Type.Literal("sat"),
  Type.Literal("sun"),
]);

/**
 * Working time of a city or a unit, by the wall clock of its zone. A day of the week that is left out has none; work over
 * midnight is two periods. `POST /calendars` with a known id makes its next version.
 */
export const Calendar = Type.Object({
  id: RegisterId,
  name: Type.String({ minLength: 1, maxLength: 200 }),
  timeZone: Type.String({ minLength: 1, maxLength: 64 }),
  week: Type.Object({
    mon: Periods,
    tue: Periods,
    wed: Periods,
    thu: Periods,
    fri: Periods,
    sat: Periods,
    sun: Periods,
  }),
  holidays: Type.Optional(Type.Array(Type.Object({ date: LocalDate, name: Name }), { maxItems: 500 })),
  /** Days off that are worked (调休上班), with the hours of `like`: Monday's where left out. */
  makeUpDays: Type.Optional(
    Type.Array(Type.Object({ date: LocalDate, name: Name, like: Type.Optional(Weekday) }), { maxItems: 500 }),
  ),
  /** Where its days come from. */
  source: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
});
export type Calendar = Static<typeof Calendar>;

/** Version 0 of `default` is built in: Monday to Friday, 09:00–12:00 and 13:00–18:00, no holidays. */
export const CalendarView = Type.Object({
  ...Calendar.properties,
  version: Type.Integer({ minimum: 0 }),
  createdAtMs: AtMs,
  createdBy: Type.String(),
});
export type CalendarView = Static<typeof CalendarView>;

/** When something that began then is due: give `minutes` with `wall` or `working`, `days` with `working-days`. */
export const DueQuery = Type.Object({
  startMs: AtMs,
  clock: Type.Union([Type.Literal("wall"), Type.Literal("working"), Type.Literal("working-days")]),
  minutes: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  version: Type.Optional(Type.Integer({ minimum: 0 })),
});
export const DueAnswer = Type.Object({
  calendar: Type.String(),
  version: Type.Integer({ minimum: 0 }),
  dueAtMs: Type.Number(),
  workingMinutes: Type.Number(),
});

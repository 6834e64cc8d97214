import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { audit } from "../../roster/audit.ts";
import { addCalendar, findCalendar, listCalendars } from "../../roster/calendars.ts";
import { dueAtMs, type Term, workingMs } from "../../roster/work-calendar.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { preconditionOf } from "../etag.ts";
import { once } from "../once.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Calendar, CalendarView, DueAnswer, DueQuery } from "../schema/calendars.ts";
import { Page, Problem } from "../schema/common.ts";
import { RegisterId } from "../schema/roster.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const KEEPERS = ["admin", "operator"] as const;
const Params = Type.Object({ id: RegisterId });
const VersionQuery = Type.Object({ version: Type.Optional(Type.Integer({ minimum: 0 })) });

/** Calendars of working time, each in versions. */
export function calendarRoutes(instance: FastifyInstance, { store, clock, timeZone }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = store;

  app.get(
    "/calendars",
    {
      config: { access: READERS },
      schema: {
        summary: "Calendars of working time, each in its newest version",
        querystring: listQuery("id", "name"),
        response: { 200: Page(CalendarView), "4xx": Problem },
      },
    },
    async ({ query }) =>
      registerPage(await listCalendars(db, timeZone), query, ({ id }) => id, { name: ({ name }) => name }),
  );

  app.get(
    "/calendars/:id",
    {
      config: { access: READERS },
      schema: {
        summary: "One calendar, as it counts now or in the version that is asked for",
        params: Params,
        querystring: VersionQuery,
        response: { 200: CalendarView, "4xx": Problem },
      },
    },
    async ({ params, query }) => findCalendar(db, params.id, { version: query.version, timeZone }),
  );

  app.get(
    "/calendars/:id/due",
    {
      config: { access: READERS },
      schema: {
        summary: "When something is due by this calendar",
        params: Params,
        querystring: DueQuery,
        response: { 200: DueAnswer, "4xx": Problem },
      },
    },
    async ({ params, query }) => {
      const { startMs, clock: kind, minutes, days, version } = query;
      const term = termOf(kind, minutes, days);
      const calendar = await findCalendar(db, params.id, { version, timeZone });
      const due = dueAtMs(calendar, term, startMs) ?? startMs;
      const workingMinutes = Math.round(workingMs(calendar, startMs, due) / 60_000);
      return { calendar: calendar.id, version: calendar.version, dueAtMs: due, workingMinutes };
    },
  );

  app.post(
    "/calendars",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Load a calendar: the next version of its id, which counts from now on",
        body: Calendar,
        response: { 201: CalendarView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { name } = accountOf(request);
      const calendar = await once(request, { db, clock }, async (trx, nowMs) => {
        const known = (await listCalendars(trx, timeZone)).find(({ id }) => id === request.body.id);
        preconditionOf(request)(known);
        return addCalendar(trx, request.body, name, nowMs);
      });
      const entry = { actor: name, action: "calendar.add", target: `${calendar.id} ${calendar.version}` };
      await audit(db, { ...entry, address: request.ip }, clock.nowMs());
      return reply.code(201).send(calendar);
    },
  );
}

function termOf(kind: Term["clock"], minutes: number | undefined, days: number | undefined): Term {
  if (kind === "working-days" && days !== undefined) return { clock: kind, days };
  if (kind !== "working-days" && minutes !== undefined) return { clock: kind, minutes };
  throw new BridgeError("TERM_INCOMPLETE", `a term of ${kind} needs ${kind === "working-days" ? "days" : "minutes"}`, {
    status: 400,
    hint: "`clock=working-days&days=7`, or `clock=working&minutes=120`.",
  });
}

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { addDuty, findDuty, listDuties, removeDuty } from "../../roster/duties.ts";
import { within } from "../../roster/scope.ts";
import { findShift, listShifts, putShift, removeShift } from "../../roster/shifts.ts";
import { auditOf } from "../audited.ts";
import type { ApiContext } from "../context.ts";
import { preconditionOf } from "../etag.ts";
import { once } from "../once.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { Duty, DutyView, RegisterId, Shift } from "../schema/roster.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const PLANNERS = ["admin", "operator", "dispatcher"] as const;
const DAY_MS = 24 * 3600_000;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const ShiftQuery = Type.Object({
  ...listQuery("id", "name", "unitId", "starts").properties,
  unitId: Type.Optional(RegisterId),
});
const DutyQuery = Type.Object({
  ...listQuery("id", "crewId", "fromMs", "toMs").properties,
  crewId: Type.Optional(RegisterId),
  shiftId: Type.Optional(RegisterId),
  /** Duties at some time in between; from 30 days ago to a year ahead where left out. */
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
});

/** Shifts, and who is planned to be on duty when. */
export function rosterRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, timeZone } = context;
  const { db } = store;
  const note = auditOf(context);

  app.get(
    "/shifts",
    {
      config: { access: READERS },
      schema: {
        summary: "Shifts of the units",
        querystring: ShiftQuery,
        response: { 200: Page(Shift), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const { unitId } = query;
      const found = (await listShifts(db)).filter(
        (shift) => within(scope, "unitIds", shift.unitId) && (unitId === undefined || shift.unitId === unitId),
      );
      return registerPage(found, query, ({ id }) => id, {
        name: ({ name }) => name,
        unitId: (shift) => shift.unitId,
        starts: ({ starts }) => starts,
      });
    },
  );

  app.get(
    "/shifts/:id",
    {
      config: { access: READERS },
      schema: { summary: "One shift", params: Params, response: { 200: Shift, "4xx": Problem } },
    },
    async ({ params }) => findShift(db, params.id),
  );

  app.post(
    "/shifts",
    {
      config: { access: PLANNERS },
      schema: {
        summary: "Make or change a shift; duties that were planned with it keep their times",
        body: Shift,
        response: { 200: Shift, "4xx": Problem },
      },
    },
    async (request) => {
      await putShift(db, request.body, preconditionOf(request));
      await note(request, "shift.save", request.body.id);
      return findShift(db, request.body.id);
    },
  );

  app.delete(
    "/shifts/:id",
    {
      config: { access: PLANNERS },
      schema: {
        summary: "Remove a shift; duties that were planned with it stay",
        params: Params,
        response: { 204: Type.Null(), "4xx": Problem },
      },
    },
    async (request, reply) => {
      await removeShift(db, request.params.id, preconditionOf(request));
      await note(request, "shift.remove", request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/rosters",
    {
      config: { access: READERS },
      schema: { summary: "Duties", querystring: DutyQuery, response: { 200: Page(DutyView), "4xx": Problem } },
    },
    async ({ query, scope }) => {
      const nowMs = clock.nowMs();
      const { fromMs = nowMs - 30 * DAY_MS, toMs = nowMs + 366 * DAY_MS, crewId, shiftId } = query;
      const duties = await listDuties(db, { fromMs, toMs, ...(crewId === undefined ? {} : { crewId }) });
      const found = duties.filter(
        (duty) => within(scope, "crewIds", duty.crewId) && (shiftId === undefined || duty.shiftId === shiftId),
      );
      return registerPage(found, query, ({ id }) => id, {
        crewId: (duty) => duty.crewId,
        fromMs: (duty) => duty.fromMs,
        toMs: (duty) => duty.toMs,
      });
    },
  );

  app.get(
    "/rosters/:id",
    {
      config: { access: READERS },
      schema: { summary: "One duty", params: Params, response: { 200: DutyView, "4xx": Problem } },
    },
    async ({ params }) => findDuty(db, params.id),
  );

  app.post(
    "/rosters",
    {
      config: { access: PLANNERS },
      schema: {
        summary: "Put a crew on duty, from/to or for a shift on a date; with an Idempotency-Key once",
        body: Duty,
        response: { 201: DutyView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const duty = await once(request, { db, clock }, (trx) => addDuty(trx, request.body, timeZone));
      await note(request, "duty.add", duty.crewId);
      return reply.code(201).send(duty);
    },
  );

  app.delete(
    "/rosters/:id",
    {
      config: { access: PLANNERS },
      schema: { summary: "Take a duty back", params: Params, response: { 204: Type.Null(), "4xx": Problem } },
    },
    async (request, reply) => {
      await removeDuty(db, request.params.id);
      await note(request, "duty.remove", request.params.id);
      return reply.code(204).send(null);
    },
  );
}

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE } from "../cursor.ts";
import { idempotencyKey } from "../idempotency.ts";
import { Page, PageQuery, Problem } from "../schema/common.ts";
import { AlarmView, Assignment, CaseAct, CaseDetail, CaseView, CrewAct } from "../schema/desk.ts";

const READERS = ["admin", "dispatcher", "supervisor", "viewer"] as const;
const ACTORS = ["admin", "dispatcher", "supervisor"] as const;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const CaseQuery = Type.Object({
  ...PageQuery.properties,
  open: Type.Optional(Type.Boolean()),
  siteId: Type.Optional(Type.String({ maxLength: 64 })),
  toLocate: Type.Optional(Type.Boolean()),
  category: Type.Optional(Type.String({ maxLength: 64 })),
  unitId: Type.Optional(Type.String({ maxLength: 64 })),
});

/** Alarms, cases and what people do to them. A crew sees and acts on its own assignments only. */
export function deskRoutes(instance: FastifyInstance, { desk }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.get(
    "/alarms",
    {
      config: { access: [...READERS, "operator"] },
      schema: {
        summary: "Alarms, newest first",
        querystring: PageQuery,
        response: { 200: Page(AlarmView), "4xx": Problem },
      },
    },
    async ({ query }) => desk.listAlarms({ limit: DEFAULT_PAGE, ...query }),
  );

  app.get(
    "/cases",
    {
      config: { access: [...READERS, "crew"] },
      schema: {
        summary: "Cases, newest first; a crew gets those assigned to it",
        querystring: CaseQuery,
        response: { 200: Page(CaseView), "4xx": Problem },
      },
    },
    async (request) => desk.listCases({ limit: DEFAULT_PAGE, ...request.query }, accountOf(request)),
  );

  app.get(
    "/cases/:id",
    {
      config: { access: [...READERS, "crew"] },
      schema: {
        summary: "One case with timeline, assignments, candidates, alarms and evidence",
        params: Params,
        response: { 200: CaseDetail, "4xx": Problem },
      },
    },
    async (request) => desk.caseDetail(request.params.id, accountOf(request)),
  );

  app.post(
    "/cases/:id/acts",
    {
      config: { access: ACTORS },
      schema: {
        summary: "Assign, withdraw, note, suspend, resume, close …",
        params: Params,
        body: CaseAct,
        response: { 200: CaseView, "4xx": Problem },
      },
    },
    async (request) => desk.actOnCase(request.params.id, request.body, accountOf(request), idempotencyKey(request)),
  );

  app.post(
    "/assignments/:id/acts",
    {
      config: { access: ["admin", "dispatcher", "crew"] },
      schema: {
        summary: "Acknowledge, decline, en route, on scene, resolved; queued acts carry the time of the device",
        params: Params,
        body: CrewAct,
        response: { 200: Assignment, "4xx": Problem },
      },
    },
    async (request) =>
      desk.actOnAssignment(request.params.id, request.body, accountOf(request), idempotencyKey(request)),
  );
}

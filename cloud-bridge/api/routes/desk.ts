import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { AlarmFamily } from "../../../protocol/alarm.ts";
import { AtMs } from "../../../protocol/ids.ts";
import { CASE_SORTS } from "../../dispatch/case-list.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE } from "../cursor.ts";
import { idempotencyKey } from "../idempotency.ts";
import { listQuery } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { AlarmView, Assignment, CaseAct, CaseDetail, CaseState, CaseView, CrewAct } from "../schema/desk.ts";
import { viewerOf } from "../scope-guard.ts";

const READERS = ["admin", "dispatcher", "supervisor", "viewer"] as const;
const ACTORS = ["admin", "dispatcher", "supervisor"] as const;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Word = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }));
const Fact = Type.Optional(Type.Boolean());
const Moment = Type.Optional(AtMs);
const CaseQuery = Type.Object({
  ...listQuery(...CASE_SORTS).properties,
  open: Fact,
  state: Type.Optional(CaseState),
  siteId: Word,
  family: Type.Optional(AlarmFamily),
  severity: Word,
  foundBy: Word,
  late: Fact,
  toLocate: Fact,
  category: Word,
  /** The unit that answers for it. */
  unitId: Word,
  /** A crew that is or was on it. */
  crewId: Word,
  /** Opened from/before. */
  fromMs: Moment,
  toMs: Moment,
});
const AlarmQuery = Type.Object({
  ...listQuery("receivedAtMs").properties,
  node: Word,
  device: Word,
  siteId: Word,
  family: Type.Optional(AlarmFamily),
  rule: Word,
  /** Those that stand, or those that have cleared or were superseded. */
  standing: Fact,
  late: Fact,
  /** Received from/before. */
  fromMs: Moment,
  toMs: Moment,
});

/** Alarms, cases and what people do to them. A crew sees and acts on its own assignments only. */
export function deskRoutes(instance: FastifyInstance, { desk }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.get(
    "/alarms",
    {
      config: { access: [...READERS, "operator"] },
      schema: {
        summary: "Alarms, newest first where no order is asked for",
        querystring: AlarmQuery,
        response: { 200: Page(AlarmView), "4xx": Problem },
      },
    },
    async (request) => desk.listAlarms({ limit: DEFAULT_PAGE, ...request.query }, viewerOf(request)),
  );

  app.get(
    "/cases",
    {
      config: { access: [...READERS, "crew"] },
      schema: {
        summary: "Cases, newest first where no order is asked for; a crew gets those assigned to it",
        querystring: CaseQuery,
        response: { 200: Page(CaseView), "4xx": Problem },
      },
    },
    async (request) => desk.listCases({ limit: DEFAULT_PAGE, ...request.query }, viewerOf(request)),
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
    async (request) => desk.caseDetail(request.params.id, viewerOf(request)),
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
    async (request) => desk.actOnCase(request.params.id, request.body, viewerOf(request), idempotencyKey(request)),
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

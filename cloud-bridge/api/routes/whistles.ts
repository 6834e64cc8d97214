import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { audit } from "../../roster/audit.ts";
import { holdsWork } from "../../roster/scope.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE } from "../cursor.ts";
import { idempotencyKey } from "../idempotency.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, PageQuery, Problem } from "../schema/common.ts";
import {
  InhibitionView,
  NewInhibition,
  NewWhistle,
  WhistleAct,
  WhistleLegAct,
  WhistleState,
  WhistleView,
} from "../schema/whistles.ts";

const READERS = ["admin", "dispatcher", "supervisor", "viewer"] as const;
const ACTORS = ["admin", "dispatcher", "supervisor"] as const;
const KEEPERS = ["admin", "operator", "dispatcher", "supervisor"] as const;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const WhistleQuery = Type.Object({
  ...PageQuery.properties,
  state: Type.Optional(WhistleState),
  unitId: Type.Optional(Type.String({ maxLength: 64 })),
  caseId: Type.Optional(Type.String({ maxLength: 64 })),
});

/** Whistles (吹哨报到), and work during which nobody is sent. */
export function whistleRoutes(instance: FastifyInstance, { casework, store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.post(
    "/whistles",
    {
      config: { access: ACTORS },
      schema: {
        summary: "Call departments to a case; it starts once the district has reviewed it",
        body: NewWhistle,
        response: { 201: WhistleView, "4xx": Problem },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await casework.blowWhistle(request.body, accountOf(request), idempotencyKey(request))),
  );

  app.get(
    "/whistles",
    {
      config: { access: READERS },
      schema: {
        summary: "Whistles, newest file number first; `unitId`: blown by that unit or calling it",
        querystring: WhistleQuery,
        response: { 200: Page(WhistleView), "4xx": Problem },
      },
    },
    async ({ query, scope }) => casework.listWhistles({ limit: DEFAULT_PAGE, ...query, scope }),
  );

  app.get(
    "/whistles/:id",
    {
      config: { access: READERS },
      schema: { summary: "One whistle with its legs", params: Params, response: { 200: WhistleView, "4xx": Problem } },
    },
    async ({ params }) => casework.whistle(params.id),
  );

  app.post(
    "/whistles/:id/acts",
    {
      config: { access: ACTORS },
      schema: {
        summary: "Review, call one more department, change the lead, withdraw, archive",
        params: Params,
        body: WhistleAct,
        response: { 200: WhistleView, "4xx": Problem },
      },
    },
    async (request) =>
      casework.actOnWhistle(request.params.id, request.body, accountOf(request), idempotencyKey(request)),
  );

  app.post(
    "/whistle-legs/:id/acts",
    {
      config: { access: ACTORS },
      schema: {
        summary: "A department receives, is on scene, has handled its part, or returns it; and the ratings",
        params: Params,
        body: WhistleLegAct,
        response: { 200: WhistleView, "4xx": Problem },
      },
    },
    async (request) =>
      casework.actOnWhistleLeg(request.params.id, request.body, accountOf(request), idempotencyKey(request)),
  );

  app.get(
    "/inhibitions",
    {
      config: { access: [...READERS, "operator"] },
      schema: {
        summary: "Work during which alarms are recorded and nobody is sent",
        querystring: listQuery("fromMs", "toMs"),
        response: { 200: Page(InhibitionView), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const held = (await casework.listInhibitions()).filter(({ node = null, siteId = null }) =>
        holdsWork(scope, { node, site_id: siteId }),
      );
      return registerPage(held, { sort: "-fromMs", ...query }, ({ id }) => id, {
        fromMs: ({ fromMs }) => fromMs,
        toMs: ({ toMs }) => toMs,
      });
    },
  );

  app.post(
    "/inhibitions",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Work begins at a node, a device or a site; officers' emergencies sound all the same",
        body: NewInhibition,
        response: { 201: InhibitionView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const account = accountOf(request);
      const added = await casework.addInhibition(request.body, account);
      const who = { actor: account.name, address: request.ip };
      await audit(store.db, { ...who, action: "inhibition.add", target: added.id }, clock.nowMs());
      return reply.code(201).send(added);
    },
  );

  app.delete(
    "/inhibitions/:id",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "The work is over: cases in which something stands wait for a crew now",
        params: Params,
        response: { 200: InhibitionView, "4xx": Problem },
      },
    },
    async (request) => {
      const account = accountOf(request);
      const ended = await casework.endInhibition(request.params.id, account);
      const who = { actor: account.name, address: request.ip };
      await audit(store.db, { ...who, action: "inhibition.end", target: ended.id }, clock.nowMs());
      return ended;
    },
  );
}

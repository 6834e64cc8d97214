import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { timePermit } from "../../dispatch/permit-news.ts";
import { addPermit, findPermit, listPermits, revokePermit } from "../../fleet/permits.ts";
import { audit } from "../../roster/audit.ts";
import { within } from "../../roster/scope.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { once } from "../once.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { Permit, PermitView, Revocation } from "../schema/permits.ts";
import { RegisterId } from "../schema/roster.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const KEEPERS = ["admin", "operator", "supervisor"] as const;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const PermitQuery = Type.Object({
  ...listQuery("fromMs", "toMs", "number", "siteId").properties,
  siteId: Type.Optional(RegisterId),
  /** Permits that hold at some time from then on, or before then. */
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
  /** Those that were revoked, too. */
  revoked: Type.Optional(Type.Boolean()),
});

/** Night work permits (夜间施工许可). */
export function permitRoutes(instance: FastifyInstance, { store, clock, desk }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = store;

  app.get(
    "/permits",
    {
      config: { access: READERS },
      schema: {
        summary: "Night work permits",
        querystring: PermitQuery,
        response: { 200: Page(PermitView), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const { siteId, fromMs, toMs, revoked } = query;
      const filter = { ...(siteId && { siteId }), ...(fromMs && { fromMs }), ...(toMs && { toMs }) };
      const found = (await listPermits(db, filter)).filter(
        (permit) => within(scope, "siteIds", permit.siteId) && (revoked === true || permit.revokedAtMs === undefined),
      );
      return registerPage(found, { sort: "fromMs", ...query }, ({ id }) => id, {
        fromMs: (permit) => permit.fromMs,
        toMs: (permit) => permit.toMs,
        number: (permit) => permit.number,
        siteId: (permit) => permit.siteId,
      });
    },
  );

  app.get(
    "/permits/:id",
    {
      config: { access: READERS },
      schema: { summary: "One permit", params: Params, response: { 200: PermitView, "4xx": Problem } },
    },
    async ({ params }) => findPermit(db, params.id),
  );

  app.post(
    "/permits",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Record a permit of a site, from/to; with an Idempotency-Key once",
        body: Permit,
        response: { 201: PermitView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { name } = accountOf(request);
      const permit = await once(request, { db, clock }, async (trx, nowMs) => {
        const added = await addPermit(trx, request.body, name, nowMs);
        await timePermit(trx, added, nowMs);
        return added;
      });
      // Also where the request is repeated: the first may have ended before this.
      await desk.permitNews(permit, name);
      const entry = { actor: name, action: "permit.add", target: permit.id, address: request.ip };
      await audit(db, entry, clock.nowMs());
      return reply.code(201).send(permit);
    },
  );

  app.post(
    "/permits/:id/revoke",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Revoke a permit: from now on it covers nothing",
        params: Params,
        body: Revocation,
        response: { 200: PermitView, "4xx": Problem },
      },
    },
    async (request) => {
      const { name } = accountOf(request);
      const { cause } = request.body;
      const permit = await once(request, { db, clock }, (trx, nowMs) =>
        revokePermit(trx, request.params.id, { by: name, cause, nowMs }),
      );
      await desk.permitNews(permit, name);
      const entry = { actor: name, action: "permit.revoke", target: permit.id, address: request.ip };
      await audit(db, { ...entry, detail: { cause } }, clock.nowMs());
      return permit;
    },
  );
}

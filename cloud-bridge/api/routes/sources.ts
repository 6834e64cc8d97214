import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { audit } from "../../roster/audit.ts";
import { addSource, listSources, revokeSource } from "../../roster/source-tokens.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { MadeSource, NewSource, SourceView } from "../schema/sources.ts";

const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** Tokens with which other systems report. */
export function sourceRoutes(instance: FastifyInstance, { store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = store;

  app.get(
    "/sources",
    {
      config: { access: ["admin"] },
      schema: {
        summary: "Systems that report by a token of their own",
        querystring: listQuery("createdAtMs", "name"),
        response: { 200: Page(SourceView), "4xx": Problem },
      },
    },
    async ({ query }) =>
      registerPage(await listSources(db), { sort: "createdAtMs", ...query }, ({ id }) => id, {
        createdAtMs: ({ createdAtMs }) => createdAtMs,
        name: ({ name }) => name,
      }),
  );

  app.post(
    "/sources",
    {
      config: { access: ["admin"] },
      schema: {
        summary: "Make a token for a system that reports; it is shown this once",
        body: NewSource,
        response: { 201: MadeSource, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { name } = accountOf(request);
      const made = await addSource(db, request.body, name, clock.nowMs());
      const { id, source, channels } = made.source;
      const entry = { actor: name, action: "source.add", target: id, address: request.ip };
      await audit(db, { ...entry, detail: { name: made.source.name, source, channels } }, clock.nowMs());
      return reply.code(201).send({ ...made, source: { ...made.source } });
    },
  );

  app.post(
    "/sources/:id/revoke",
    {
      config: { access: ["admin"] },
      schema: {
        summary: "Revoke a token: from now on it is refused",
        params: Params,
        response: { 200: SourceView, "4xx": Problem },
      },
    },
    async (request) => {
      const { name } = accountOf(request);
      const source = await revokeSource(db, request.params.id, name, clock.nowMs());
      const entry = { actor: name, action: "source.revoke", target: source.id, address: request.ip };
      await audit(db, entry, clock.nowMs());
      return source;
    },
  );
}

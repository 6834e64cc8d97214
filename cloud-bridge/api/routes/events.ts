import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { findSession } from "../../roster/sessions.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { Problem } from "../schema/common.ts";

/** The one stream of a browser. */
export function eventRoutes(instance: FastifyInstance, { hub, store, clock, cookieName }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  app.get(
    "/events",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "Server-sent events: welcome, case, assignment, presence, live; resumes with Last-Event-ID",
        produces: ["text/event-stream"],
        response: { 200: Type.String(), "4xx": Problem },
      },
    },
    async (request, reply) => {
      const secret = request.cookies[cookieName] ?? "";
      const given = Number(request.headers["last-event-id"]);
      const lastEventId = Number.isSafeInteger(given) && given >= 0 ? given : undefined;
      const isNamed = request.headers["last-event-id"] !== undefined;
      const isAllowed = async () => (await findSession(store.db, secret, clock.nowMs())) !== undefined;
      await hub.open(reply.raw, accountOf(request), isNamed ? lastEventId : undefined, isAllowed);
      reply.hijack();
    },
  );
}

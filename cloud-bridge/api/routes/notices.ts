import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { backlog, listNotices, reviveNotice } from "../../dispatch/channels/outbox-views.ts";
import { audit } from "../../roster/audit.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "../cursor.ts";
import { Page, PageQuery, Problem } from "../schema/common.ts";
import { Backlog, NoticeState, NoticeView } from "../schema/notices.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor"] as const;
const Query = Type.Object({
  ...PageQuery.properties,
  state: Type.Optional(NoticeState),
  channel: Type.Optional(Type.String({ maxLength: 64 })),
  caseId: Type.Optional(Type.String({ maxLength: 64 })),
});

/** The outbox: who was told what on which way, how that is known, and what is still to be told. */
export function noticeRoutes(instance: FastifyInstance, { store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.get(
    "/notices",
    {
      config: { access: READERS },
      schema: {
        summary: "Messages with their proof of delivery, newest first",
        querystring: Query,
        response: { 200: Page(NoticeView), "4xx": Problem },
      },
    },
    async ({ query: { cursor, limit = DEFAULT_PAGE, ...filter }, scope }) => {
      const before = decodeCursor(cursor);
      const paging = { limit: limit + 1, ...(before === undefined ? {} : { before: Number(before) }) };
      return pageOf([...(await listNotices(store.db, { ...filter, ...paging, scope }))], limit, ({ id }) => String(id));
    },
  );

  app.get(
    "/notices/backlog",
    {
      config: { access: READERS },
      schema: {
        summary: "What is still to be told, and what was given up, by channel",
        response: { 200: Type.Object({ items: Type.Array(Backlog) }), "4xx": Problem },
      },
    },
    async () => ({ items: [...(await backlog(store.db))] }),
  );

  app.post(
    "/notices/:id/retry",
    {
      config: { access: READERS },
      schema: {
        summary: "Try one that was given up once more",
        params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
        response: { 200: NoticeView, "4xx": Problem },
      },
    },
    async (request) => {
      const { id } = request.params;
      const revived = await reviveNotice(store.db, id, clock.nowMs());
      const entry = { actor: accountOf(request).name, action: "notice.retry", target: String(id), address: request.ip };
      await audit(store.db, entry, clock.nowMs());
      return revived;
    },
  );
}

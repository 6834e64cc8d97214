import { createHash } from "node:crypto";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { NodeId } from "../../../protocol/ids.ts";
import { commandKey, findCommand, listCommands } from "../../dispatch/command-rows.ts";
import { findNode } from "../../fleet/node-views.ts";
import type { AccountFacts } from "../../roster/accounts.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "../cursor.ts";
import { idempotencyKey } from "../idempotency.ts";
import { CommandOrder, CommandView } from "../schema/commands.ts";
import { Page, PageQuery, Problem } from "../schema/common.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor"] as const;
/** What changes the box itself is for those who keep the fleet; what serves a case is for the desk too. */
const OF_KEEPERS: readonly CommandOrder["kind"][] = ["restart", "diagnostics", "log-level", "update"];
const Params = Type.Object({ id: NodeId });

/** For how long an order makes sense, where it does not say so itself. */
const DEFAULT_S: Readonly<Record<CommandOrder["kind"], number>> = {
  relay: 60,
  text: 300,
  status: 300,
  snapshot: 300,
  clip: 300,
  restart: 3600,
  "log-level": 3600,
  update: 3600,
  diagnostics: 86_400,
};

/** What nodes are asked to do, and what became of it. */
export function commandRoutes(instance: FastifyInstance, { store, clock, commands }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.post(
    "/nodes/:id/commands",
    {
      config: { access: READERS },
      schema: {
        summary: "Ask a node to do something: signed, kept until its answer or its end, obeyed once",
        params: Params,
        body: CommandOrder,
        response: { 201: CommandView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { id: node } = request.params;
      const { kind, args = {}, expiresInS = DEFAULT_S[kind] } = request.body;
      const account = accountOf(request);
      demandRole(account, kind);
      await findNode(store.db, node, clock.nowMs());
      const id = commandId(account, idempotencyKey(request));
      const order = { id, node, kind, args: { ...args }, by: account.name, forMs: expiresInS * 1000 };
      return reply.code(201).send(await commands.order(order, request.ip));
    },
  );

  app.get(
    "/nodes/:id/commands",
    {
      config: { access: READERS },
      schema: {
        summary: "What this node was asked to do, newest first",
        params: Params,
        querystring: PageQuery,
        response: { 200: Page(CommandView), "4xx": Problem },
      },
    },
    async ({ params, query: { cursor, limit = DEFAULT_PAGE } }) => {
      const before = decodeCursor(cursor);
      const paging = { limit: limit + 1, nowMs: clock.nowMs(), ...(before === undefined ? {} : { before }) };
      return pageOf([...(await listCommands(store.db, params.id, paging))], limit, commandKey);
    },
  );

  app.get(
    "/nodes/:id/commands/:command",
    {
      config: { access: READERS },
      schema: {
        summary: "One command with its result",
        params: Type.Object({ id: NodeId, command: Type.String({ maxLength: 64 }) }),
        response: { 200: CommandView, "4xx": Problem },
      },
    },
    async ({ params }) => findCommand(store.db, params.id, params.command, clock.nowMs()),
  );

  app.post(
    "/nodes/:id/commands/:command/cancel",
    {
      config: { access: READERS },
      schema: {
        summary: "Take back what the node has not answered",
        params: Type.Object({ id: NodeId, command: Type.String({ maxLength: 64 }) }),
        response: { 200: CommandView, "4xx": Problem },
      },
    },
    async (request) => {
      const { id: node, command } = request.params;
      const account = accountOf(request);
      const { kind } = await findCommand(store.db, node, command, clock.nowMs());
      demandRole(account, kind as CommandOrder["kind"]);
      return commands.cancel(node, command, account.name, request.ip);
    },
  );
}

function demandRole({ name, role }: AccountFacts, kind: CommandOrder["kind"]): void {
  if (role === "admin" || role === "operator" || !OF_KEEPERS.includes(kind)) return;
  throw new BridgeError("ROLE_REFUSED", `${name} (${role}) may not order "${kind}"`, {
    status: 403,
    hint: "This is for admin, operator.",
  });
}

/** One key of one account is one command, whatever dies in between. */
function commandId({ id }: AccountFacts, key: string): string {
  return `c-${createHash("sha256").update(`${id} ${key}`).digest("hex").slice(0, 32)}`;
}

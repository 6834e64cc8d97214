import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { secretless } from "../../../protocol/document/fault.ts";
import { faultInChinese } from "../../../protocol/document/fault-zh.ts";
import { NodeId } from "../../../protocol/ids.ts";
import { ConfigRevision, DEFAULT_HOLD_S } from "../../../protocol/twin.ts";
import { changesBetween, checkConfig, configSchema } from "../../fleet/config-document.ts";
import { findNode } from "../../fleet/node-views.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "../cursor.ts";
import { preconditionOf } from "../etag.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, PageQuery, Problem } from "../schema/common.ts";
import {
  ApplyBody,
  ConfigCheck,
  ConfigCheckView,
  ConfigDiffView,
  ConfigPut,
  DesiredConfigView,
  InForceView,
  RevertBody,
  RolloutBody,
  RolloutView,
  TwinView,
} from "../schema/twins.ts";

const READERS = ["admin", "operator", "supervisor"] as const;
const KEEPERS = ["admin", "operator"] as const;
const DEFAULT_FOR_S = 24 * 3600;
const ASK_FOR_MS = 300_000;
const Params = Type.Object({ id: NodeId });

interface Applied {
  readonly holdS?: number;
  readonly expiresInS?: number;
}

/** The config twin: what each node is to have, what it has, and how it gets from the one to the other. */
export function twinRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, configs } = context;
  const known = (id: string) => findNode(store.db, id, clock.nowMs());
  const orderOf = (request: FastifyRequest, { holdS, expiresInS = DEFAULT_FOR_S }: Applied) => ({
    by: accountOf(request).name,
    address: request.ip,
    forMs: expiresInS * 1000,
    ...(holdS === undefined ? {} : { holdS }),
  });

  app.get(
    "/config-schema",
    {
      config: { access: KEEPERS },
      schema: { summary: "The schema of a node's config, as `shao check` goes by", response: { 200: Type.Unknown() } },
    },
    async () => configSchema(),
  );

  app.get(
    "/nodes/:id/config",
    {
      config: { access: READERS },
      schema: {
        summary: "A node's config: wanted, in force, last known good, and why they differ",
        params: Params,
        response: { 200: TwinView, "4xx": Problem },
      },
    },
    async ({ params }) => {
      await known(params.id);
      return configs.view(params.id);
    },
  );

  app.get(
    "/nodes/:id/config/desired",
    {
      config: { access: READERS },
      schema: {
        summary: "What the node is to have, or what it was to have in an earlier revision",
        params: Params,
        querystring: Type.Object({ revision: Type.Optional(ConfigRevision) }),
        response: { 200: DesiredConfigView, "4xx": Problem },
      },
    },
    async ({ params, query }) => configs.desired(params.id, query.revision),
  );

  app.put(
    "/nodes/:id/config/desired",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Say what the node is to have; `If-Match` with the ETag that was read; nothing is sent yet",
        params: Params,
        body: ConfigPut,
        response: { 200: DesiredConfigView, "4xx": Problem },
      },
    },
    async (request) => {
      await known(request.params.id);
      const { name: by } = accountOf(request);
      return configs.put(request.params.id, request.body, {
        by,
        address: request.ip,
        presume: preconditionOf(request),
      });
    },
  );

  app.post(
    "/nodes/:id/config/check",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Every fault of a config by line, and what it would change; nothing is kept",
        params: Params,
        body: ConfigCheck,
        response: { 200: ConfigCheckView, "4xx": Problem },
      },
    },
    async ({ params: { id }, body: { document, locale } }) => {
      const told = checkConfig(document, id).faults.map((fault) =>
        locale === "zh-CN" ? faultInChinese(fault) : fault,
      );
      const faults = told.map(({ at, code: _, message, ...fault }) => ({
        ...{ line: at.line, column: at.column, message: secretless(message) },
        ...fault,
      }));
      const inForce = await configs.inForce(id).catch(() => undefined);
      const isCompared = inForce !== undefined && faults.length === 0;
      return { faults, ...(isCompared ? { changes: changesBetween(inForce.document, document) } : {}) };
    },
  );

  app.get(
    "/nodes/:id/config/in-force",
    {
      config: { access: READERS },
      schema: {
        summary: "The document that is in force, as far as the node told it",
        params: Params,
        response: { 200: InForceView, "4xx": Problem },
      },
    },
    async ({ params }) => {
      const { sha256, document, atMs } = await configs.inForce(params.id);
      return { sha256, document, atMs };
    },
  );

  app.get(
    "/nodes/:id/config/diff",
    {
      config: { access: READERS },
      schema: {
        summary: "What differs between what is in force, or a revision, and what is wanted, or another revision",
        params: Params,
        querystring: Type.Object({ from: Type.Optional(ConfigRevision), to: Type.Optional(ConfigRevision) }),
        response: { 200: ConfigDiffView, "4xx": Problem },
      },
    },
    async ({ params, query }) => ({ changes: await configs.diff(params.id, query.from ?? "reported", query.to) }),
  );

  app.get(
    "/nodes/:id/config/history",
    {
      config: { access: READERS },
      schema: {
        summary: "Every config that this node was to have, newest first",
        params: Params,
        querystring: PageQuery,
        response: { 200: Page(DesiredConfigView), "4xx": Problem },
      },
    },
    async ({ params, query: { cursor, limit = DEFAULT_PAGE } }) => {
      const before = decodeCursor(cursor);
      const found = await configs.history(params.id, limit + 1, before === undefined ? undefined : Number(before));
      return pageOf(found, limit, ({ revision }) => String(revision));
    },
  );

  app.post(
    "/nodes/:id/config/apply",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Send what is wanted: the node tries it, and keeps it or takes it back",
        params: Params,
        body: ApplyBody,
        response: { 200: TwinView, "4xx": Problem },
      },
    },
    async (request) => configs.apply(request.params.id, orderOf(request, request.body)),
  );

  app.post(
    "/nodes/:id/config/revert",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Make an earlier revision the wanted one again, and send it",
        params: Params,
        body: RevertBody,
        response: { 200: TwinView, "4xx": Problem },
      },
    },
    async (request) => configs.revert(request.params.id, request.body.revision, orderOf(request, request.body)),
  );

  app.post(
    "/nodes/:id/config/ask",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Ask the node for the document that is in force; its secrets stay there",
        params: Params,
        response: { 200: TwinView, "4xx": Problem },
      },
    },
    async (request) => {
      await known(request.params.id);
      return configs.ask(request.params.id, { ...orderOf(request, {}), forMs: ASK_FOR_MS });
    },
  );
  rolloutRoutes(instance, context);
}

function rolloutRoutes(instance: FastifyInstance, { rollouts }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const Rollout = Type.Object({ id: Type.String({ maxLength: 64 }) });

  app.post(
    "/rollouts",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "The same change for several nodes, some at a time, and no further when too many take it back",
        body: RolloutBody,
        response: { 201: RolloutView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { holdS = DEFAULT_HOLD_S, ...body } = request.body;
      const order = { ...body, holdS, by: accountOf(request).name, address: request.ip };
      return reply.code(201).send(await rollouts.begin(order));
    },
  );

  app.get(
    "/rollouts",
    {
      config: { access: READERS },
      schema: {
        summary: "Rollouts",
        querystring: listQuery("createdAtMs"),
        response: { 200: Page(RolloutView), "4xx": Problem },
      },
    },
    async ({ query }) => {
      const sorts = { createdAtMs: ({ createdAtMs }: RolloutView) => createdAtMs };
      return registerPage<RolloutView>(await rollouts.list(), query, ({ id }) => id, sorts);
    },
  );

  app.get(
    "/rollouts/:id",
    {
      config: { access: READERS },
      schema: {
        summary: "One rollout with its nodes",
        params: Rollout,
        response: { 200: RolloutView, "4xx": Problem },
      },
    },
    async ({ params }) => await rollouts.find(params.id),
  );

  app.post(
    "/rollouts/:id/stop",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Nothing further is sent, and what waits for its node is taken back",
        params: Rollout,
        response: { 200: RolloutView, "4xx": Problem },
      },
    },
    async (request) => await rollouts.stop(request.params.id, accountOf(request).name, request.ip),
  );
}

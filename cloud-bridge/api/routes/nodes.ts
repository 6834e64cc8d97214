import { randomUUID } from "node:crypto";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { NodeId, RunId } from "../../../protocol/ids.ts";
import { LIVE_LEASE_MS } from "../../../protocol/limits.ts";
import { COMMAND_VERSION } from "../../../protocol/session.ts";
import { buildTopic } from "../../../protocol/topics.ts";
import { accountingOf, pageKey } from "../../fleet/accounting.ts";
import { offerToken, redeemToken, revokeNode } from "../../fleet/enrolment.ts";
import { readLevels } from "../../fleet/levels.ts";
import { findNode } from "../../fleet/node-views.ts";
import { type RangeState, rangesOfRun } from "../../fleet/run-ranges.ts";
import { audit } from "../../roster/audit.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "../cursor.ts";
import { Page, Problem } from "../schema/common.ts";
import {
  AccountingQuery,
  Enroll,
  Enrolled,
  Levels,
  LevelsQuery,
  LiveLease,
  NodeAccounting,
  NodeToken,
  NodeView,
  type RunAccounting,
  RunRange,
  RunRangesQuery,
} from "../schema/fleet.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const KEEPERS = ["admin", "operator"] as const;
const NOT_STORED: readonly RangeState[] = [
  "outstanding",
  "unexplained",
  "declared",
  "quota",
  "expired",
  "corrupt",
  "undecodable",
];
const Params = Type.Object({ id: NodeId });
/** Nodes: views, custody, levels, live leases, and how boxes get in and out. */
export function nodeRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, authority, link, hub, leases, applied, topicPrefix = "shao" } = context;

  app.get(
    "/nodes/:id",
    {
      config: { access: READERS },
      schema: { summary: "One node", params: Params, response: { 200: NodeView, "4xx": Problem } },
    },
    async ({ params }) => (await findNode(store.db, params.id, clock.nowMs())) as Static<typeof NodeView>,
  );

  app.get(
    "/nodes/:id/accounting",
    {
      config: { access: READERS },
      schema: {
        summary: "Custody: every seq is stored, declared, outstanding or unexplained",
        params: Params,
        querystring: AccountingQuery,
        response: { 200: NodeAccounting, "4xx": Problem },
      },
    },
    async ({ params, query: { cursor, limit = DEFAULT_PAGE, which = "all" } }) => {
      const after = decodeCursor(cursor);
      const query = { limit: limit + 1, which, ...(after === undefined ? {} : { after }) };
      const { runs, ...sums } = await accountingOf(store.db, params.id, query);
      const { items, next } = pageOf(runs as Static<typeof RunAccounting>[], limit, pageKey);
      return { node: params.id, ...sums, runs: items, ...(next === undefined ? {} : { next }) };
    },
  );

  app.get(
    "/nodes/:id/accounting/:run",
    {
      config: { access: READERS },
      schema: {
        summary: "One run's ranges, in order of seq, with times",
        params: Type.Object({ id: NodeId, run: RunId }),
        querystring: RunRangesQuery,
        response: { 200: Page(RunRange), "4xx": Problem },
      },
    },
    async ({ params: { id, run }, query: { cursor, limit = DEFAULT_PAGE, gaps } }) => {
      const afterSeq = Number(decodeCursor(cursor) ?? 0);
      const states = gaps === true ? { states: NOT_STORED } : {};
      const found = await rangesOfRun(store.db, id, run, { afterSeq, limit: limit + 1, ...states });
      return pageOf(found as Static<typeof RunRange>[], limit, ({ from }) => String(from));
    },
  );

  app.get(
    "/nodes/:id/levels",
    {
      config: { access: READERS },
      schema: {
        summary: "Stored minutes of 1-s levels",
        params: Params,
        querystring: LevelsQuery,
        response: { 200: Levels, "4xx": Problem },
      },
    },
    async ({ params, query }) => readLevels(store.db, { node: params.id, ...query }),
  );

  app.post(
    "/nodes",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Let a box in: a token that works once, within the hour",
        body: Type.Object({ node: NodeId }),
        response: { 201: NodeToken, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { node } = request.body;
      const { name } = accountOf(request);
      const offer = await offerToken(store.db, {
        node,
        createdBy: name,
        fingerprint: authority.fingerprint,
        nowMs: clock.nowMs(),
      });
      await audit(store.db, { actor: name, action: "node.add", target: node, address: request.ip }, clock.nowMs());
      return reply.code(201).send({ ...offer, command: `shao enroll ${context.publicUrl()} ${offer.token}` });
    },
  );

  app.post(
    "/nodes/:id/revoke",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Refuse this node from now on",
        params: Params,
        response: { 204: Type.Null(), "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await revokeNode(store.db, id, clock.nowMs());
      link.disconnect(id);
      const { name } = accountOf(request);
      await audit(store.db, { actor: name, action: "node.revoke", target: id, address: request.ip }, clock.nowMs());
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/nodes/:id/live",
    {
      config: { access: READERS },
      schema: {
        summary: "Watch a meter for 60 s: levels come as `live` events on the client's stream",
        params: Params,
        body: LiveLease,
        response: { 200: Type.Object({ untilMs: Type.Integer() }), "4xx": Problem },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { client, device } = request.body;
      if (!hub.isOpen(client, accountOf(request).id)) {
        throw new BridgeError("STREAM_UNKNOWN", "no event stream of yours has this name", {
          status: 409,
          hint: "Open GET /api/v1/events first; its `welcome` names the client.",
        });
      }
      const nowMs = clock.nowMs();
      const command = authority.signCommand({
        v: COMMAND_VERSION,
        id: randomUUID(),
        node: id,
        kind: "live",
        args: { device, forMs: LIVE_LEASE_MS },
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + LIVE_LEASE_MS,
      });
      const topic = buildTopic({ node: id, channel: "down" }, topicPrefix);
      if (!(await link.publish(topic, Buffer.from(JSON.stringify(command)), 1))) {
        throw new BridgeError("NODE_NOT_CONNECTED", `${id} is not connected`, {
          status: 409,
          hint: "Live levels need the node's link; stored minutes can be seen without it.",
        });
      }
      const untilMs = leases.take(id, device, client);
      context.onLease?.(id, device, untilMs);
      return { untilMs };
    },
  );

  app.post(
    "/enroll",
    {
      config: { access: "anyone", rateLimit: { max: applied.enrolmentsPerMinute, timeWindow: 60_000 } },
      schema: {
        summary: "A node redeems its token for a certificate over its own key",
        body: Enroll,
        response: { 201: Enrolled, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const redeemed = await redeemToken(store.db, authority, { ...request.body, nowMs: clock.nowMs() });
      const { isRepeated, ...paired } = redeemed;
      const from = { address: request.ip, ...(isRepeated ? { detail: { isRepeated } } : {}) };
      const entry = { actor: `node:${paired.node}`, action: "node.enrol", target: paired.node, ...from };
      await audit(store.db, entry, clock.nowMs());
      if (!isRepeated) link.disconnect(paired.node);
      return reply.code(201).send({
        ...paired,
        bridge: store.bridge,
        caPem: authority.caPem,
        mqttUrl: context.mqttUrl,
        commandKeyPem: authority.commandKeyPem,
      });
    },
  );
}

import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { DeviceId, NodeId } from "../../../protocol/ids.ts";
import { LIVE_LEASE_MS } from "../../../protocol/limits.ts";
import { COMMAND_VERSION } from "../../../protocol/session.ts";
import { buildTopic } from "../../../protocol/topics.ts";
import { within } from "../../roster/scope.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { idempotencyKey } from "../idempotency.ts";
import { CameraList, RoundCase, RoundFinding } from "../schema/cameras.ts";
import { Problem } from "../schema/common.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const FINDERS = ["admin", "dispatcher", "supervisor"] as const;
const Params = Type.Object({ id: NodeId, camera: DeviceId });
const MOST_CAMERAS = 500;
/** The picture may wait for a link that is away. */
const SNAPSHOT_FOR_MS = 86_400_000;

/** Video rounds: stills of the cameras with their age, and a case from what is seen on one. */
export function cameraRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, stills, authority, link, commands, casework, topicPrefix } = context;

  app.get(
    "/cameras",
    {
      config: { access: READERS },
      schema: {
        summary: "Every camera, with how old its newest still is",
        response: { 200: CameraList, "4xx": Problem },
      },
    },
    async ({ scope }) => {
      const rows = await store.db
        .selectFrom("device_state")
        .innerJoin("nodes", "nodes.id", "device_state.node")
        .leftJoin("sites", "sites.id", "nodes.site_id")
        .select(["device_state.node", "device_state.device", "device_state.state", "device_state.body"])
        .select(["nodes.online", "sites.name as site"])
        .where("device_state.driver", "=", "camera")
        .where("nodes.revoked_at_ms", "is", null)
        .orderBy("device_state.node")
        .orderBy("device_state.device")
        .limit(MOST_CAMERAS)
        .execute();
      const seen = rows.filter(({ node }) => within(scope, "nodeIds", node));
      const cameras = seen.map(({ node, device, state, body, online, site }) => {
        const still = stills.get(node, device);
        const code = codeOf(body);
        return {
          ...{ node, camera: device, state, isNodeOnline: online === 1 },
          ...(site === null ? {} : { site }),
          ...(code === undefined ? {} : { code }),
          ...(still === undefined ? {} : { stillAtMs: still.atMs, stillBytes: still.jpeg.length }),
        };
      });
      return { cameras, nowMs: clock.nowMs() };
    },
  );

  app.post(
    "/nodes/:id/cameras/:camera/watch",
    {
      config: { access: READERS },
      schema: {
        summary: "Look at a camera for 60 s: its node sends a still now and every few seconds",
        params: Params,
        response: { 200: Type.Object({ untilMs: Type.Integer() }), "4xx": Problem },
      },
    },
    async ({ params: { id, camera } }) => {
      const nowMs = clock.nowMs();
      const untilMs = nowMs + LIVE_LEASE_MS;
      const command = authority.signCommand({
        ...{
          v: COMMAND_VERSION,
          id: randomUUID(),
          node: id,
          kind: "live",
          args: { device: camera, forMs: LIVE_LEASE_MS },
        },
        ...{ issuedAtMs: nowMs, expiresAtMs: untilMs },
      });
      const topic = buildTopic({ node: id, channel: "down" }, topicPrefix);
      if (!(await link.publish(topic, Buffer.from(JSON.stringify(command)), 1))) {
        throw new BridgeError("NODE_NOT_CONNECTED", `${id} is not connected`, {
          status: 409,
          hint: "A new still needs the node's link; the newest that came stays to be seen, with its age.",
        });
      }
      context.onLease?.(id, camera, untilMs);
      return { untilMs };
    },
  );

  instance.get<{ Params: Static<typeof Params> }>(
    "/nodes/:id/cameras/:camera/still",
    {
      config: { access: READERS },
      schema: {
        summary: "The newest still, a JPEG; `last-modified` says when it was taken",
        params: Params,
        response: { "4xx": Problem },
      },
    },
    async ({ params: { id, camera } }, reply) => {
      const still = stills.get(id, camera);
      if (still === undefined) {
        throw new BridgeError("STILL_NONE", `no still of ${camera} has come from ${id}`, {
          status: 404,
          hint: "Ask for one: POST …/watch; it comes within seconds where the node is connected.",
        });
      }
      reply.header("last-modified", new Date(still.atMs).toUTCString()).header("cache-control", "private, no-cache");
      reply.header("content-security-policy", "sandbox; default-src 'none'");
      return reply.type("image/jpeg").send(Readable.from([still.jpeg]));
    },
  );

  app.post(
    "/nodes/:id/cameras/:camera/case",
    {
      config: { access: FINDERS },
      schema: {
        summary: "A case from what was seen on a video round; the node keeps the picture as evidence",
        params: Params,
        body: RoundFinding,
        response: { 201: RoundCase, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { id: node, camera } = request.params;
      const account = accountOf(request);
      const key = createHash("sha256")
        .update(`${account.id} ${idempotencyKey(request)}`)
        .digest("hex");
      const order = { id: `round-${key.slice(0, 32)}`, node, kind: "snapshot", args: { device: camera } } as const;
      const { id } = await commands.order({ ...order, by: account.name, forMs: SNAPSHOT_FOR_MS }, request.ip);
      // The name that the node gives to what a command brought.
      const evidenceId = `cmd-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
      const site = await store.db.selectFrom("nodes").select("site_id").where("id", "=", node).executeTakeFirst();
      const { report } = await casework.takeReport(
        {
          ...{ source: "video-round", externalId: evidenceId, channel: "video-round", ...request.body },
          occurredAtMs: clock.nowMs(),
          ...(site?.site_id === null || site?.site_id === undefined ? {} : { siteId: site.site_id }),
        },
        account,
      );
      return reply.code(201).send({ caseId: report.caseId, reportId: report.id, evidenceId });
    },
  );
}

/** @param body the device's newest word, as ingest accepted it; empty before it came */
function codeOf(body: string): string | undefined {
  if (body === "") return undefined;
  return (JSON.parse(body) as { code?: string }).code;
}

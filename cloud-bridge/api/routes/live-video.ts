import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { DeviceId, NodeId } from "../../../protocol/ids.ts";
import { audit } from "../../roster/audit.ts";
import { Scopes, within } from "../../roster/scope.ts";
import { findSession } from "../../roster/sessions.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { Problem } from "../schema/common.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const Params = Type.Object({ id: NodeId, camera: DeviceId });

/** The video of one camera, for as long as the answer is read. */
export function liveVideoRoutes(app: FastifyInstance, { video, store, clock, cookieName }: ApiContext): void {
  const scopes = new Scopes({ db: store.db, upMs: clock.upMs });

  app.post<{ Params: Static<typeof Params> }>(
    "/nodes/:id/cameras/:camera/live",
    {
      config: { access: READERS },
      schema: {
        summary: "Watch a camera: an answer without end, of messages as protocol/live-video.ts has them",
        params: Params,
        produces: ["application/octet-stream"],
        response: { "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { id: node, camera } = request.params;
      const account = accountOf(request);
      const secret = request.cookies[cookieName] ?? "";
      const { raw } = reply;
      const begin = (): void => {
        raw.writeHead(200, {
          "content-type": "application/octet-stream",
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
        });
      };
      const leave = await video.open(node, camera, {
        account: account.id,
        get waitingBytes() {
          return raw.writableLength;
        },
        send(bytes) {
          if (raw.destroyed || raw.writableEnded) return;
          if (!raw.headersSent) begin();
          raw.write(bytes);
        },
        // What a reader does not take must not keep its stream open.
        end: () => (raw.writableLength > 0 ? raw.destroy() : raw.end()),
        async isAllowed() {
          const session = await findSession(store.db, secret, clock.nowMs());
          return session !== undefined && within(await scopes.of(session.account), "nodeIds", node);
        },
      });
      reply.hijack();
      // A line that breaks in a write ends this part, not the process.
      raw.once("close", leave).on("error", leave);
      if (raw.destroyed) return leave();
      if (!raw.headersSent) begin();
      raw.flushHeaders();
      const entry = { actor: account.name, action: "camera.live", target: `${node}/${camera}`, address: request.ip };
      await audit(store.db, entry, clock.nowMs());
    },
  );
}

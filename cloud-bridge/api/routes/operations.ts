import process from "node:process";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { findSession, isSameToken } from "../../roster/sessions.ts";
import { BridgeError } from "../../store/errors.ts";
import type { ApiContext } from "../context.ts";
import { custodyMetrics } from "../custody-metrics.ts";
import { LoopDelay } from "../loop-delay.ts";
import { noticeMetrics } from "../notice-metrics.ts";
import { roomMetrics } from "../room-metrics.ts";
import { StoreProbe } from "../store-probe.ts";

const SLOW_LOOP_MS = 50;
const BROKER_HINT =
  "See that the broker runs, and `broker.external` in the bridge's config. Nodes keep what they have.";
const STORE_HINT =
  "See that the database runs and its disk has room, and see the bridge's log. Nodes keep what they have until then.";

/** /health for whoever watches the process; /metrics for a scraper with the token, or a signed-in account. */
export function operationRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, link, hub, video, cookieName, metricsToken, version, facts } = context;
  const delay = new LoopDelay();
  const probe = new StoreProbe(store.db, clock);
  app.addHook("onClose", async () => delay.stop());

  app.get("/health", { schema: { summary: "Is it well?", security: [] } }, async (_request, reply) => {
    const fault = await probe.fault();
    const eventLoopDelayP99Ms = delay.p99Ms;
    const { connected, refused } = link.counters();
    return reply.code(fault === undefined ? 200 : 503).send({
      status: statusOf(fault !== undefined, link.state === "away", eventLoopDelayP99Ms),
      version,
      store: fault === undefined ? "well" : "broken",
      ...(fault === undefined ? {} : { code: "STORE_CANNOT_WRITE", storeFault: fault, hint: STORE_HINT }),
      broker: link.state,
      ...(link.state === "away" && fault === undefined ? { code: "BROKER_AWAY", hint: BROKER_HINT } : {}),
      eventLoopDelayP99Ms,
      nodesConnected: connected,
      connectionsRefused: Object.values(refused).reduce((sum, count) => sum + count, 0),
      streams: hub.counters.streams,
      ...facts?.(),
    });
  });

  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  const counter = (name: `${string}_total`, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  gauge("shao_bridge_nodes_connected", "Nodes with an MQTT connection", () => link.counters().connected);
  gauge("shao_bridge_broker_connected", "Whether the broker answers", () => (link.state === "away" ? 0 : 1));
  gauge("shao_bridge_event_loop_delay_p99_seconds", "Event-loop delay of the last minute", () => delay.p99Ms / 1000);
  gauge("shao_bridge_live_streams", "Nodes that send live video to this process", () => video.counters.streams);
  gauge("shao_bridge_live_viewers", "Who watches live video at this process", () => video.counters.viewers);
  counter("shao_bridge_live_bytes_in_total", "Live video that nodes sent", () => video.counters.bytesIn);
  counter("shao_bridge_live_bytes_out_total", "Live video to those who watch", () => video.counters.bytesOut);
  gauge("shao_bridge_event_streams", "Open SSE streams", () => hub.counters.streams);
  counter(
    "shao_bridge_event_streams_dropped_total",
    "Streams cut because their reader was too slow",
    () => hub.counters.dropped,
  );
  counter("shao_bridge_mqtt_connects_total", "Connections admitted", () => link.counters().connects);
  counter(
    "shao_bridge_mqtt_take_overs_total",
    "Connections that took over one that lived",
    () => link.counters().takeOvers,
  );
  counter("shao_bridge_mqtt_messages_in_total", "Messages from nodes", () => link.counters().messagesIn);
  counter("shao_bridge_mqtt_messages_out_total", "Messages to nodes", () => link.counters().messagesOut);
  custodyMetrics(store.db, registry);
  noticeMetrics(store.db, clock, registry);
  if (context.room !== undefined) roomMetrics(context.room, registry);
  new Counter({
    name: "shao_bridge_mqtt_refused_total",
    help: "Connections and messages refused, by reason",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(link.counters().refused)) this.inc({ reason }, count);
    },
  });

  async function mayScrape(request: FastifyRequest): Promise<boolean> {
    const bearer = /^Bearer (\S+)$/u.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined) return isSameToken(bearer, metricsToken);
    const secret = request.cookies[cookieName];
    const session = secret === undefined ? undefined : await findSession(store.db, secret, clock.nowMs());
    const { role, unitId } = session?.account ?? { role: "crew" };
    // Sums over everything are for who gets at everything.
    return role !== "crew" && unitId === undefined;
  }

  app.get("/metrics", { schema: { summary: "Prometheus text" } }, async (request, reply) => {
    if (!(await mayScrape(request))) {
      throw new BridgeError("METRICS_REFUSED", "metrics are for accounts and for holders of the token", {
        status: 401,
        hint: `Send Authorization: Bearer with the content of trust/metrics.token in the bridge's state folder (process ${process.pid}).`,
      });
    }
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** Without its broker a bridge still serves pages: starting it anew would mend nothing, so it is no 503. */
function statusOf(isBroken: boolean, isAway: boolean, loopDelayMs: number): string {
  if (isBroken) return "broken";
  if (isAway) return "no-broker";
  return loopDelayMs > SLOW_LOOP_MS ? "slow" : "well";
}

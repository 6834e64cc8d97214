import { readFileSync } from "node:fs";
import process from "node:process";
import mqtt, { type IClientOptions } from "mqtt";
import { encodeHello, helloPages } from "../protocol/hello.ts";
import { newRunId } from "../protocol/new-ids.ts";
import { buildTopic } from "../protocol/topics.ts";

/** How nodes of a fleet find their broker and show who they are; a certificate each, over one key. */
export interface FleetPlan {
  readonly port: number;
  readonly first: number;
  readonly count: number;
  readonly tls?: { readonly ca: string; readonly key: string; readonly certificates: readonly string[] };
}

const AT_ONCE = 20;
/** A gateway pings each 15 s; clients that share a busy core would lose their lines to that. */
const KEEPALIVE_S = 60;

export const fleetNode = (index: number) => `fleet-${String(index).padStart(4, "0")}`;

/** Many nodes in one process, each a real MQTT client: connected, its state told, its topics heard, its hello said. */
async function main(plan: FleetPlan): Promise<void> {
  let next = 0;
  let failed = 0;
  const lane = async () => {
    while (next < plan.count) {
      const at = next++;
      await connected(plan, at).catch((error: unknown) => {
        if (failed++ < 3) process.stderr.write(`${fleetNode(plan.first + at)}: ${String(error)}\n`);
      });
      if (at % 1000 === 999) process.stderr.write(`${at + 1} nodes\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  process.stdout.write(`${JSON.stringify({ connected: plan.count - failed })}\n`);
}

async function connected({ port, first, tls }: FleetPlan, at: number): Promise<void> {
  const node = fleetNode(first + at);
  const session = newRunId();
  const state = (online: boolean) => JSON.stringify({ v: 1, online, session, version: "bench" });
  const options: IClientOptions = {
    ...{ clientId: node, clean: true, keepalive: KEEPALIVE_S, protocolVersion: 4, reconnectPeriod: 0 },
    ...{ connectTimeout: 60_000, queueQoSZero: false },
    will: { topic: buildTopic({ node, channel: "state" }), payload: Buffer.from(state(false)), qos: 1, retain: true },
    ...(tls === undefined ? {} : { ca: tls.ca, key: tls.key, cert: tls.certificates[at] ?? "", minVersion: "TLSv1.2" }),
  };
  const client = await mqtt.connectAsync(`${tls === undefined ? "mqtt" : "mqtts"}://127.0.0.1:${port}`, options);
  client.on("error", (error) => void process.stderr.write(`${node}: ${String(error)}\n`));
  await client.subscribeAsync([buildTopic({ node, channel: "receipt" }), buildTopic({ node, channel: "down" })], {
    qos: 1,
  });
  await client.publishAsync(buildTopic({ node, channel: "state" }), state(true), { qos: 1, retain: true });
  const run = newRunId();
  const [page] = helloPages({ session, current: run, runs: [{ run, first: 1, head: 0 }], open: [] });
  if (page === undefined) throw new Error("no page");
  await client.publishAsync(buildTopic({ node, channel: "up" }), Buffer.from(encodeHello(page)), { qos: 1 });
}

if (import.meta.main) await main(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as FleetPlan);

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { connectAsync } from "mqtt";
import { startEmbeddedBroker } from "../../cloud-bridge/broker/embedded-broker.ts";
import type { Authority } from "../../cloud-bridge/fleet/authority.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { MAX_PACKET_BYTES } from "../../protocol/limits.ts";
import { makeNodeIdentity } from "../fakes/node-identity.ts";
import { type BrokerUnderTest, nodeBrokerContract } from "./node-broker.ts";

nodeBrokerContract("the broker inside", async (authority): Promise<BrokerUnderTest> => {
  const heard: { topic: string; text: string }[] = [];
  const note = (channel: string) => (node: string, bytes: Uint8Array) => {
    heard.push({ topic: `shao/${node}/${channel}`, text: Buffer.from(bytes).toString() });
  };
  const broker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.serverTls([], Date.now()),
    handlers: { onUp: note("up"), onState: note("state"), onLive: () => {} },
    admit: async () => "admitted",
    log: silentLogger,
  });
  return {
    port: broker.port,
    heard,
    async publish(topic, text) {
      await broker.publish(topic, Buffer.from(text), 1);
    },
    close: () => broker.close(),
  };
});

const MOSQUITTO = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find((path) => existsSync(path));

nodeBrokerContract("Mosquitto outside", async (authority): Promise<BrokerUnderTest | string> => {
  if (MOSQUITTO === undefined) return "mosquitto is not installed (apt-get install mosquitto)";
  const folder = mkdtempSync(join(tmpdir(), "shao-mosquitto-"));
  const port = await freePort();
  await writeConfig(folder, port, authority);
  const process = spawn(MOSQUITTO, ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
  const bridge = await connectBridge(port, authority);
  const heard: { topic: string; text: string }[] = [];
  bridge.on("message", (topic, payload) => heard.push({ topic, text: payload.toString() }));
  await bridge.subscribeAsync(["shao/+/up", "shao/+/state"], { qos: 1 });
  return {
    port,
    heard,
    async publish(topic, text) {
      await bridge.publishAsync(topic, text, { qos: 1 });
    },
    async close() {
      bridge.end(true);
      await stop(process);
    },
  };
});

async function writeConfig(folder: string, port: number, authority: Authority): Promise<void> {
  const { cert, key, ca } = await authority.serverTls([], Date.now());
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const acl = [
    "pattern write shao/%u/up",
    "pattern write shao/%u/state",
    "pattern write shao/%u/live/+",
    "pattern read shao/%u/receipt",
    "pattern read shao/%u/down",
    "user the-bridge",
    "topic read shao/+/up",
    "topic read shao/+/state",
    "topic write shao/+/receipt",
    "topic write shao/+/down",
  ];
  const config = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous false",
    "require_certificate true",
    "use_identity_as_username true",
    `cafile ${file("ca.pem", ca)}`,
    `certfile ${file("server.pem", cert)}`,
    `keyfile ${file("server.key", key)}`,
    `acl_file ${file("acl", `${acl.join("\n")}\n`)}`,
    "max_queued_messages 0",
    `max_packet_size ${MAX_PACKET_BYTES}`,
    "persistence false",
    "user root",
  ];
  file("mosquitto.conf", `${config.join("\n")}\n`);
}

async function connectBridge(port: number, authority: Authority) {
  const { key, cert, ca } = await makeNodeIdentity(authority, "the-bridge");
  for (let attempt = 0; ; attempt += 1) {
    try {
      const options = { key, cert, ca, clientId: "the-bridge", reconnectPeriod: 0 };
      return await connectAsync(`mqtts://127.0.0.1:${port}`, options, false);
    } catch (error) {
      if (attempt > 50) throw error;
      await later(100);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { setTimeout as later } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type EmbeddedBroker, startEmbeddedBroker } from "../../../cloud-bridge/broker/embedded-broker.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { makeNodeIdentity, makeTestAuthority, type NodeIdentity } from "../../fakes/node-identity.ts";

let authority: Authority;
let one: NodeIdentity;
let two: NodeIdentity;
let broker: EmbeddedBroker;
const revoked = new Set<string>();
const heard: { channel: string; node: string; text: string }[] = [];
const takeOvers: string[] = [];
const clients: MqttClient[] = [];

beforeAll(async () => {
  authority = await makeTestAuthority();
  one = await makeNodeIdentity(authority, "n1");
  two = await makeNodeIdentity(authority, "n2");
});

beforeEach(async () => {
  heard.length = 0;
  takeOvers.length = 0;
  revoked.clear();
  const note = (channel: string) => (node: string, bytes: Uint8Array) => {
    heard.push({ channel, node, text: Buffer.from(bytes).toString() });
  };
  broker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.serverTls([], Date.now()),
    handlers: { onUp: note("up"), onState: note("state"), onLive: (node, stream, bytes) => note(stream)(node, bytes) },
    admit: async (_node, certificate) => (revoked.has(certificate) ? "node-revoked" : "admitted"),
    log: silentLogger,
    onTakeOver: (node) => takeOvers.push(node),
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  await broker.close();
});
afterAll(() => vi.restoreAllMocks());

async function connect(identity: NodeIdentity, clientId: string, more: IClientOptions = {}): Promise<MqttClient> {
  const { key, cert, ca } = identity;
  const client = await connectAsync(
    `mqtts://127.0.0.1:${broker.port}`,
    { key, cert, ca, clientId, reconnectPeriod: 0, connectTimeout: 3000, ...more },
    false,
  );
  client.on("error", () => {});
  clients.push(client);
  return client;
}

function closing(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("close", () => resolve()));
}

test("a paired node speaks, is heard, and gets what is published to it", async () => {
  const client = await connect(one, "n1");
  const answer = new Promise<string[]>((resolve) => {
    client.once("message", (topic, payload) => resolve([topic, payload.toString()]));
  });
  await client.subscribeAsync("shao/n1/receipt", { qos: 1 });
  await client.publishAsync("shao/n1/up", "hello", { qos: 1 });
  await vi.waitFor(() => expect(heard).toContainEqual({ channel: "up", node: "n1", text: "hello" }));
  expect(await broker.publish("shao/n1/receipt", Buffer.from("have"), 1)).toBe(true);
  expect(await answer).toEqual(["shao/n1/receipt", "have"]);
  expect(await broker.publish("shao/n1/down", Buffer.from("x"), 1)).toBe(false);
  expect(await broker.publish("shao/n2/down", Buffer.from("x"), 1)).toBe(false);
});

test("an id that is not the certificate's name is refused and counted", async () => {
  await expect(connect(two, "n1")).rejects.toMatchObject({ code: 2 });
  expect(broker.counters().refused["hijacked-id"]).toBe(1);
  expect(heard).toEqual([]);
});

test("a revoked node is refused, and cut when it is connected", async () => {
  const client = await connect(one, "n1");
  const closed = closing(client);
  revoked.add(one.fingerprint);
  broker.disconnect("n1");
  await closed;
  await expect(connect(one, "n1")).rejects.toMatchObject({ code: 5 });
  expect(broker.counters().refused["node-revoked"]).toBe(1);
});

test("a certificate of another authority, and none, are cut after the handshake and counted", async () => {
  const stranger = await makeNodeIdentity(await makeTestAuthority(), "n1");
  await expect(connect({ ...stranger, ca: authority.caPem }, "n1")).rejects.toThrow();
  const bare = connectTls({ host: "127.0.0.1", port: broker.port, ca: authority.caPem });
  bare.on("error", () => {});
  await once(bare, "close");
  const { refused } = broker.counters();
  expect([refused["foreign-certificate"], refused["no-certificate"]]).toEqual([1, 1]);
});

test("plain MQTT on the TLS port is cut and counted", async () => {
  const socket = connectTcp({ host: "127.0.0.1", port: broker.port });
  socket.on("error", () => {});
  socket.write(Buffer.from([0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]));
  await once(socket, "close");
  expect(broker.counters().refused["no-tls"]).toBe(1);
});

test("a foreign topic is refused, counted, and reaches nobody", async () => {
  const client = await connect(one, "n1");
  const closed = closing(client);
  client.publish("shao/n2/up", "forged", { qos: 1 });
  await closed;
  expect(broker.counters().refused["foreign-topic"]).toBe(1);
  expect(heard).toEqual([]);
});

test("wide, shared and foreign subscriptions are refused, and the connection goes on", async () => {
  const client = await connect(one, "n1");
  for (const filter of ["shao/#", "shao/+/receipt", "$share/g/shao/n1/down", "shao/n2/down"]) {
    await expect(client.subscribeAsync(filter), filter).rejects.toThrow();
  }
  expect(broker.counters().refused["foreign-subscription"]).toBe(4);
  await client.publishAsync("shao/n1/up", "still here", { qos: 1 });
  await vi.waitFor(() => expect(heard.map(({ text }) => text)).toEqual(["still here"]));
});

test("a payload of 60 MB is cut from its header, and the other node goes on", async () => {
  const other = await connect(two, "n2");
  const attacker = await connect(one, "n1");
  const rssBefore = process.memoryUsage().rss;
  const closed = closing(attacker);
  attacker.publish("shao/n1/up", Buffer.alloc(60 * 1024 * 1024), { qos: 0 }, () => {});
  await closed;
  expect(broker.counters().refused.oversized).toBe(1);
  await other.publishAsync("shao/n2/up", "unharmed", { qos: 1 });
  await vi.waitFor(() => expect(heard.map(({ text }) => text)).toEqual(["unharmed"]));
  // The payload itself is ours; the broker must not have made a second one.
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(140 * 1024 * 1024);
});

test("before CONNECT no more than 1 KiB is taken", async () => {
  const socket = connectTls({ host: "127.0.0.1", port: broker.port, ...one });
  socket.on("error", () => {});
  socket.write(Buffer.concat([Buffer.from([0x10, 0x80, 0x10]), Buffer.alloc(2048)]));
  await once(socket, "close");
  expect(broker.counters().refused.oversized).toBe(1);
});

test("a will on the own state arrives when the node is cut; one elsewhere is refused at connect", async () => {
  const will = { topic: "shao/n1/state", payload: Buffer.from("gone"), qos: 1 as const, retain: true };
  const client = await connect(one, "n1", { will });
  client.stream.destroy();
  await vi.waitFor(() => expect(heard).toContainEqual({ channel: "state", node: "n1", text: "gone" }));
  await expect(connect(one, "n1", { will: { ...will, topic: "shao/n2/state" } })).rejects.toMatchObject({ code: 5 });
  expect(broker.counters().refused["foreign-will"]).toBe(1);
});

test("a session that wants to be kept is refused: nothing queues here for who is not there", async () => {
  await expect(connect(one, "n1", { clean: false })).rejects.toMatchObject({ code: 5 });
  expect(broker.counters().refused["persistent-session"]).toBe(1);
});

test("a second connection of the same node takes over, is reported, and the first is cut", async () => {
  const first = await connect(one, "n1");
  const closed = closing(first);
  const second = await connect(one, "n1");
  await closed;
  await second.subscribeAsync("shao/n1/down", { qos: 1 });
  expect(takeOvers).toEqual(["n1"]);
  expect(broker.counters()).toMatchObject({ connected: 1, takeOvers: 1 });
  expect(await broker.publish("shao/n1/down", Buffer.from("x"), 1)).toBe(true);
});

test("a handler that takes its time holds back its own node only", async () => {
  await broker.close();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const taken: string[] = [];
  broker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.serverTls([], Date.now()),
    handlers: {
      async onUp(node) {
        if (node === "n1") await held;
        taken.push(node);
      },
      onState() {},
      onLive() {},
    },
    admit: async () => "admitted",
    log: silentLogger,
  });
  const slow = await connect(one, "n1");
  const quick = await connect(two, "n2");
  await slow.publishAsync("shao/n1/up", "1", { qos: 1 });
  await quick.publishAsync("shao/n2/up", "2", { qos: 1 });
  await vi.waitFor(() => expect(taken).toEqual(["n2"]));
  release();
  await vi.waitFor(() => expect(taken).toEqual(["n2", "n1"]));
});

test("plain MQTT is for loopback only", async () => {
  const options = { handlers: { onUp() {}, onState() {}, onLive() {} }, admit: async () => "admitted" as const };
  const plain = { ...options, port: 0, tls: "insecure-loopback" as const, log: silentLogger };
  await expect(startEmbeddedBroker({ ...plain, host: "0.0.0.0" })).rejects.toThrow(RangeError);
  const local = await startEmbeddedBroker({ ...plain, host: "127.0.0.1" });
  const client = await connectAsync(`mqtt://127.0.0.1:${local.port}`, { clientId: "n1", reconnectPeriod: 0 });
  await client.publishAsync("shao/n1/up", "x", { qos: 1 });
  client.end(true);
  await later(0);
  await local.close();
});

import type { LookupFunction } from "node:net";
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type EmbeddedBroker, startEmbeddedBroker } from "../../../cloud-bridge/broker/embedded-broker.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { type MqttSession, type MqttSessionOptions, openMqttSession } from "../../../gateway/uplink/mqtt-session.ts";
import { makeNodeIdentity, makeTestAuthority, type NodeIdentity } from "../../fakes/node-identity.ts";

let authority: Authority;
let one: NodeIdentity;
let stranger: NodeIdentity;
let broker: EmbeddedBroker;
const revoked = new Set<string>();
const heard: string[] = [];

beforeAll(async () => {
  authority = await makeTestAuthority();
  one = await makeNodeIdentity(authority, "n1");
  stranger = await makeNodeIdentity(await makeTestAuthority(), "n1");
});

beforeEach(async () => {
  heard.length = 0;
  revoked.clear();
  broker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.serverTls([], Date.now()),
    handlers: {
      onUp: (node, bytes) => void heard.push(`${node} up ${Buffer.from(bytes)}`),
      onState: (node, bytes) => void heard.push(`${node} state ${Buffer.from(bytes)}`),
      onLive: () => {},
    },
    admit: async (_node, certificate) => (revoked.has(certificate) ? "node-revoked" : "admitted"),
    log: silentLogger,
  });
  return () => broker.close();
});

function open(node: string, tls: NodeIdentity, more: Partial<MqttSessionOptions> = {}): Promise<MqttSession> {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  return openMqttSession(
    {
      url: `mqtts://127.0.0.1:${broker.port}`,
      tls,
      clientId: node,
      will: { topic: `shao/${node}/state`, payload: Buffer.from("gone") },
      subscriptions: [`shao/${node}/receipt`, `shao/${node}/down`],
      onMessage: () => {},
      ...more,
    },
    stop.signal,
  );
}

describe("over the bridge's own mTLS", () => {
  test("an enrolled node gets in, publishes, and a clean end sends no will", async () => {
    const session = await open("n1", one);
    const acknowledged = vi.fn();
    expect(session.publish("shao/n1/up", Buffer.from("hello"), { qos: 1 }, acknowledged)).toBe(true);
    await vi.waitFor(() => expect(acknowledged).toHaveBeenCalledOnce());
    await session.end();
    expect(await session.closed).toBeUndefined();
    expect(session.publish("shao/n1/up", Buffer.from("late"), { qos: 1 })).toBe(false);
    expect(heard).toEqual(["n1 up hello"]);
  });

  test("when the broker goes, the session ends and says why", async () => {
    const session = await open("n1", one);
    await broker.close();
    expect(await session.closed).toMatchObject({ code: "BROKER_LOST" });
  });

  test.each([
    ["a revoked node", "n1", () => one, () => revoked.add(one.fingerprint), "BROKER_REFUSED"],
    ["another node's id", "n2", () => one, () => {}, "BROKER_REFUSED"],
    ["a broker of another CA", "n1", () => ({ ...one, ca: stranger.ca }), () => {}, "BROKER_CERTIFICATE"],
  ] as const)("%s is told apart", async (_what, node, identity, before, code) => {
    before();
    await expect(open(node, identity())).rejects.toMatchObject({ code, hint: expect.stringMatching(/enrol/i) });
  });

  test("a certificate of another CA is cut by the broker and comes back as a lost or refused connection", async () => {
    const foreign = { ...stranger, ca: authority.caPem };
    await expect(open("n1", foreign)).rejects.toMatchObject({ code: expect.stringMatching(/^BROKER_(LOST|REFUSED)$/) });
  });

  test("a name that the server's certificate does not carry is not believed", async () => {
    const url = `mqtts://127.0.0.2:${broker.port}`;
    await expect(open("n1", one, { url })).rejects.toMatchObject({
      code: expect.stringMatching(/^BROKER_(CERTIFICATE|UNREACHABLE)$/),
    });
  });

  test("a topic that is not the node's own is not granted, and that is an error", async () => {
    const subscriptions = ["shao/n2/receipt"];
    await expect(open("n1", one, { subscriptions })).rejects.toMatchObject({ code: "BROKER_REFUSED" });
  });
});

test("a name with two addresses of which the first refuses leads to the second, and ends no process", async () => {
  // Node exchanges the socket below while it tries; TLS must not lie on it yet.
  const names: LookupFunction = (_name, _options, done) =>
    done(null, [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ]);
  const session = await open("n1", one, { url: `mqtts://localhost:${broker.port}`, lookup: names });
  expect(session.bytesRead).toBeGreaterThan(0);
  await session.end();
});

test("an end that is asked for while it connects is no connection", async () => {
  const stop = new AbortController();
  stop.abort();
  const opening = openMqttSession(
    {
      url: `mqtts://127.0.0.1:${broker.port}`,
      tls: one,
      clientId: "n1",
      will: { topic: "shao/n1/state", payload: Buffer.from("gone") },
      subscriptions: [],
      onMessage: () => {},
    },
    stop.signal,
  );
  await expect(opening).rejects.toMatchObject({ code: "BROKER_LOST" });
});

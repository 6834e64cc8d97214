import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MqttClient } from "mqtt";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { freePorts } from "../../cli/sim/free-port.ts";
import { startEmbeddedBroker } from "../../cloud-bridge/broker/embedded-broker.ts";
import {
  connectExternalBroker,
  type ExternalBroker,
  type ExternalBrokerOptions,
} from "../../cloud-bridge/broker/external-broker.ts";
import { tendBrokerFiles, writeBrokerFiles } from "../../cloud-bridge/broker-files.ts";
import type { Authority } from "../../cloud-bridge/fleet/authority.ts";
import type { Store } from "../../cloud-bridge/store/database.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { storeOf } from "../fakes/bridge-store.ts";
import { Mosquitto, mosquittoLacks } from "../fakes/mosquitto.ts";
import { makeNodeIdentity, makeTestAuthority, type NodeIdentity } from "../fakes/node-identity.ts";
import { type BrokerUnderTest, type Heard, nodeBrokerContract, noting } from "./node-broker.ts";

nodeBrokerContract("the broker inside", async (authority): Promise<BrokerUnderTest> => {
  const heard: Heard[] = [];
  const revoked = new Set<string>();
  const link = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.serverTls([], Date.now()),
    handlers: noting(heard),
    admit: async (node) => (revoked.has(node) ? "node-revoked" : "admitted"),
    log: silentLogger,
  });
  return { port: link.port, link, heard, revoked, close: () => link.close() };
});

/** Mosquitto on the very files that `shao bridge broker-config` writes, and a bridge's connection to it. */
class Outside {
  readonly #folder = mkdtempSync(join(tmpdir(), "shao-mosquitto-"));
  readonly #links: ExternalBroker[] = [];
  readonly revoked = new Set<string>();
  store!: Store;
  nodesPort = 0;
  #bridgePort = 0;
  mosquitto!: Mosquitto;
  readonly authority: Authority;

  constructor(authority: Authority) {
    this.authority = authority;
  }

  async start(): Promise<void> {
    const [nodes = 0, bridge = 0] = await freePorts(2);
    this.nodesPort = nodes;
    this.#bridgePort = bridge;
    const nowMs = Date.now();
    this.store = await storeOf(join(this.#folder, "state"), { nowMs });
    const { config } = await writeBrokerFiles({
      authority: this.authority,
      db: this.store.db,
      settings: {
        folder: this.folder,
        prefix: "shao",
        nodes: { host: "127.0.0.1", port: nodes },
        bridge: { host: "127.0.0.1", port: bridge },
        user: "root",
      },
      hosts: ["127.0.0.1"],
      nowMs,
    });
    this.mosquitto = new Mosquitto(config, bridge);
    await this.mosquitto.start();
  }

  get folder(): string {
    return join(this.#folder, "broker");
  }

  async link(heard: Heard[], more: Partial<ExternalBrokerOptions> = {}): Promise<ExternalBroker> {
    const own = await this.authority.brokerClient(Date.now());
    const link = connectExternalBroker({
      url: `mqtts://127.0.0.1:${this.#bridgePort}`,
      tls: { cert: own.certificatePem, key: own.keyPem, ca: this.authority.caPem },
      clientId: `bridge-${this.#links.length}`,
      handlers: noting(heard),
      admit: async (node) => (this.revoked.has(node) ? "node-revoked" : "admitted"),
      log: silentLogger,
      ...more,
    });
    this.#links.push(link);
    link.act(true);
    await vi.waitFor(() => expect(link.state).toBe("connected"), 30_000);
    return link;
  }

  async node(identity: NodeIdentity, clientId: string, port = this.nodesPort): Promise<MqttClient> {
    const { key, cert, ca } = identity;
    const client = await connectAsync(
      `mqtts://127.0.0.1:${port}`,
      { key, cert, ca, clientId, reconnectPeriod: 0, connectTimeout: 3000 },
      false,
    );
    return client.on("error", () => {});
  }

  nodeAtTheBridgesDoor(identity: NodeIdentity): Promise<MqttClient> {
    return this.node(identity, "n1", this.#bridgePort);
  }

  async stop(): Promise<void> {
    for (const link of this.#links) await link.close();
    await this.mosquitto.stop();
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

nodeBrokerContract("Mosquitto outside", async (authority): Promise<BrokerUnderTest | string> => {
  const lacks = mosquittoLacks();
  if (lacks !== undefined) return lacks;
  const outside = new Outside(authority);
  await outside.start();
  const heard: Heard[] = [];
  const link = await outside.link(heard);
  return { port: outside.nodesPort, link, heard, revoked: outside.revoked, close: () => outside.stop() };
});

describe.skipIf(mosquittoLacks() !== undefined && process.env["CI"] === undefined)(
  `a broker outside ${mosquittoLacks() ?? ""}`,
  () => {
    let outside: Outside;
    let one: NodeIdentity;
    let two: NodeIdentity;

    beforeAll(async () => {
      outside = new Outside(await makeTestAuthority());
      one = await makeNodeIdentity(outside.authority, "n1");
      two = await makeNodeIdentity(outside.authority, "n2");
      await outside.start();
    });
    afterAll(() => outside.stop());

    test("a node that calls itself another is that node to nobody, and takes nobody's place", async () => {
      const heard: Heard[] = [];
      await outside.link(heard);
      const other = await outside.node(one, "n1");
      const liar = await outside.node(two, "n1");
      await liar.publishAsync("shao/n2/up", "its own", { qos: 1 });
      // Mosquitto cuts whoever publishes where it may not.
      const isCut = new Promise<void>((resolve) => liar.once("close", () => resolve()));
      liar.publish("shao/n1/up", "forged", { qos: 1 }, () => {});
      await isCut;
      await other.publishAsync("shao/n1/up", "still here", { qos: 1 });
      await vi.waitFor(() => expect(heard.map(({ text }) => text).sort()).toEqual(["its own", "still here"]));
      for (const client of [other, liar]) client.end(true);
    });

    test("no node gets in at the bridge's door", async () => {
      await expect(outside.nodeAtTheBridgesDoor(one)).rejects.toThrow();
    });

    test("processes share what nodes say, all hear their state, files go where they are wanted", async () => {
      const heard: Heard[][] = [[], []];
      const links = [
        await outside.link(heard[0] ?? [], { group: "secret" }),
        await outside.link(heard[1] ?? [], { group: "secret" }),
      ];
      links[1]?.act(false);
      const client = await outside.node(one, "n1");
      const blob = `shao/n1/blob/${"b".repeat(64)}`;
      for (let n = 1; n <= 20; n += 1) await client.publishAsync("shao/n1/up", String(n), { qos: 1 });
      await client.publishAsync(blob, "chunk", { qos: 1 });
      await client.publishAsync("shao/n1/state", "here", { qos: 1 });
      const on = (which: number, topic: string) => heard[which]?.filter((message) => message.topic === topic) ?? [];
      await vi.waitFor(() => {
        expect(on(0, "shao/n1/up").length + on(1, "shao/n1/up").length).toBe(20);
        expect([on(0, "shao/n1/state").length, on(1, "shao/n1/state").length]).toEqual([1, 1]);
      });
      expect(Math.min(on(0, "shao/n1/up").length, on(1, "shao/n1/up").length)).toBeGreaterThan(0);
      expect([on(0, blob).length, on(1, blob).length]).toEqual([1, 0]);
      // One of them dies: all goes to the other.
      await links[0]?.close();
      const before = on(1, "shao/n1/up").length;
      for (let n = 1; n <= 10; n += 1) await client.publishAsync("shao/n1/up", `then ${n}`, { qos: 1 });
      await vi.waitFor(() => expect(on(1, "shao/n1/up").length).toBe(before + 10));
      client.end(true);
    });

    test("a broker that dies and comes back without a memory is found again, and what was under way is not called heard", async () => {
      const heard: Heard[] = [];
      let connects = 0;
      const link = await outside.link(heard, { onConnected: () => (connects += 1) });
      const before = await outside.node(one, "n1");
      await before.publishAsync("shao/n1/state", "kept by the broker", { qos: 1, retain: true });
      await vi.waitFor(() => expect(heard.map(({ text }) => text)).toContain("kept by the broker"));
      await outside.mosquitto.kill();
      await vi.waitFor(() => expect(link.state).toBe("away"));
      expect(await link.publish("shao/n1/receipt", Buffer.from("lost"), 1)).toBe(false);
      heard.length = 0;
      await outside.mosquitto.start();
      await vi.waitFor(() => expect(link.state).toBe("connected"), 30_000);
      expect(connects).toBe(2);
      const client = await outside.node(one, "n1");
      await client.publishAsync("shao/n1/up", "again", { qos: 1 });
      await vi.waitFor(() => expect(heard).toEqual([{ topic: "shao/n1/up", text: "again" }]));
      client.end(true);
    });

    test("a certificate that was replaced opens nothing any more, once the broker has read the list", async () => {
      const { db } = outside.store;
      const first = await outside.node(two, "n2");
      first.end(true);
      const serial = new (await import("node:crypto")).X509Certificate(two.cert).serialNumber;
      await db.insertInto("revoked_certificates").values({ serial, node: "n2", at_ms: Date.now() }).execute();
      const tend = () =>
        tendBrokerFiles({
          authority: outside.authority,
          db,
          settings: { folder: outside.folder },
          hosts: ["127.0.0.1"],
          nowMs: Date.now(),
        });
      expect(await tend()).toBe(true);
      expect(await tend()).toBe(false);
      outside.mosquitto.signal("SIGHUP");
      await vi.waitFor(async () => {
        const client = await outside.node(two, "n2").catch(() => undefined);
        client?.end(true);
        expect(client).toBe(undefined);
      }, 20_000);
      const other = await outside.node(await makeNodeIdentity(outside.authority, "n2"), "n2");
      expect(other.connected).toBe(true);
      other.end(true);
    });
  },
);

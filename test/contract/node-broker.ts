import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Link, LinkHandlers } from "../../cloud-bridge/broker/link.ts";
import type { Authority } from "../../cloud-bridge/fleet/authority.ts";
import { makeNodeIdentity, makeTestAuthority, type NodeIdentity } from "../fakes/node-identity.ts";

/** A broker under test, and what the bridge behind it hears and says. */
export interface BrokerUnderTest {
  readonly port: number;
  /** The bridge's side: of the broker inside, or of one outside. */
  readonly link: Link;
  /** Everything that nodes published, in order. */
  readonly heard: Heard[];
  /** Nodes of whom the bridge says that they are revoked. */
  readonly revoked: Set<string>;
  close(): Promise<void>;
}

export interface Heard {
  readonly topic: string;
  readonly text: string;
}

/** Handlers that write down what they hear. */
export function noting(heard: Heard[]): LinkHandlers {
  const note = (topic: string, bytes: Uint8Array) => void heard.push({ topic, text: Buffer.from(bytes).toString() });
  return {
    onUp: (node, bytes) => note(`shao/${node}/up`, bytes),
    onState: (node, bytes) => note(`shao/${node}/state`, bytes),
    onBlob: (node, blob, bytes) => note(`shao/${node}/blob/${blob}`, bytes),
    onLive: (node, stream, bytes) => note(`shao/${node}/live/${stream}`, bytes),
  };
}

/**
 * What a node relies on, whichever broker stands between it and the bridge, and what keeps nodes apart from each other.
 * Runs over real TLS with certificates of our own CA.
 */
export function nodeBrokerContract(
  name: string,
  start: (authority: Authority) => Promise<BrokerUnderTest | string>,
): void {
  describe(name, () => {
    let authority: Authority;
    let one: NodeIdentity;
    let two: NodeIdentity;
    let broker: BrokerUnderTest;
    let missing: string | undefined;
    const clients: MqttClient[] = [];

    beforeAll(async () => {
      authority = await makeTestAuthority();
      one = await makeNodeIdentity(authority, "n1");
      two = await makeNodeIdentity(authority, "n2");
      const started = await start(authority);
      if (typeof started === "string") missing = started;
      else broker = started;
    });
    afterAll(async () => {
      for (const client of clients) client.end(true);
      if (missing === undefined) await broker.close();
    });

    async function connect(identity: NodeIdentity, clientId: string, more: IClientOptions = {}): Promise<MqttClient> {
      const { key, cert, ca } = identity;
      const options = { key, cert, ca, clientId, reconnectPeriod: 0, connectTimeout: 3000, keepalive: 15, ...more };
      const client = await connectAsync(`mqtts://127.0.0.1:${broker.port}`, options, false);
      client.on("error", () => {});
      clients.push(client);
      return client;
    }
    const closing = (client: MqttClient) => new Promise<void>((resolve) => client.once("close", () => resolve()));
    const heardOn = (topic: string) =>
      broker.heard.filter((message) => message.topic === topic).map(({ text }) => text);

    const say = (topic: string, text: string) => broker.link.publish(topic, Buffer.from(text), 1);

    function promise(title: string, body: () => Promise<void>): void {
      test(title, async (context) => {
        if (missing !== undefined) {
          if (process.env["CI"]) throw new Error(missing);
          context.skip(missing);
        }
        await body();
      });
    }

    promise("what a node publishes is acknowledged and reaches the bridge in order", async () => {
      const client = await connect(one, "n1");
      for (let n = 1; n <= 50; n += 1) await client.publishAsync("shao/n1/up", String(n), { qos: 1 });
      const all = Array.from({ length: 50 }, (_, n) => String(n + 1));
      await vi.waitFor(() => expect(heardOn("shao/n1/up")).toEqual(all));
    });

    promise("files and live levels reach it too, and nothing that somebody kept for later", async () => {
      const client = await connect(one, "n1");
      const blob = `shao/n1/blob/${"a".repeat(64)}`;
      await client.publishAsync(blob, "chunk", { qos: 1 });
      await vi.waitFor(() => expect(heardOn(blob)).toEqual(["chunk"]));
      await client.publishAsync("shao/n1/live/noise-01", "level", { qos: 0 });
      await vi.waitFor(() => expect(heardOn("shao/n1/live/noise-01")).toEqual(["level"]));
      expect(broker.link.state).not.toBe("away");
    });

    promise("what is said to a node that is not there, or does not listen, is known to be unheard", async () => {
      expect(await say("shao/n2/down", "nobody")).toBe(false);
      const client = await connect(two, "n2");
      expect(await say("shao/n2/down", "not yet")).toBe(false);
      const got: string[] = [];
      client.on("message", (_, payload) => got.push(payload.toString()));
      await client.subscribeAsync("shao/n2/down", { qos: 1 });
      expect(await say("shao/n2/down", "now")).toBe(true);
      await vi.waitFor(() => expect(got).toEqual(["now"]));
      client.end(true);
      await vi.waitFor(async () => expect(await say("shao/n2/down", "gone")).toBe(false));
    });

    promise("who is connected is counted", async () => {
      const state = (online: boolean) => JSON.stringify({ v: 1, online, session: "A".repeat(22), version: "1" });
      const will = { topic: "shao/n2/state", payload: Buffer.from(state(false)), qos: 1 as const, retain: true };
      const before = broker.link.counters();
      const client = await connect(two, "n2", { will });
      await client.publishAsync("shao/n2/state", state(true), { qos: 1, retain: true });
      await vi.waitFor(() => expect(heardOn("shao/n2/state")).toContain(state(true)));
      await vi.waitFor(() => expect(broker.link.counters().connects).toBeGreaterThan(before.connects));
      const { connected } = broker.link.counters();
      expect(connected).toBeGreaterThan(0);
      client.stream.destroy();
      await vi.waitFor(() => expect(heardOn("shao/n2/state")).toContain(state(false)));
      await vi.waitFor(() => expect(broker.link.counters().connected).toBe(connected - 1));
    });

    promise("a receipt reaches the node that it is for, and no other", async () => {
      const [first, second] = [await connect(one, "n1"), await connect(two, "n2")];
      const got: string[] = [];
      first.on("message", (topic, payload) => got.push(`n1 ${topic} ${payload.toString()}`));
      second.on("message", (topic, payload) => got.push(`n2 ${topic} ${payload.toString()}`));
      await first.subscribeAsync("shao/n1/receipt", { qos: 1 });
      await second.subscribeAsync("shao/n2/receipt", { qos: 1 });
      expect(await say("shao/n1/receipt", "for one")).toBe(true);
      expect(await say("shao/n2/receipt", "for two")).toBe(true);
      await vi.waitFor(() => expect(got).toHaveLength(2));
      expect(got.sort()).toEqual(["n1 shao/n1/receipt for one", "n2 shao/n2/receipt for two"]);
    });

    promise("the last will stands in for a node that is cut off", async () => {
      const will = { topic: "shao/n1/state", payload: Buffer.from("gone"), qos: 1 as const, retain: true };
      const client = await connect(one, "n1", { will });
      client.stream.destroy();
      await vi.waitFor(() => expect(heardOn("shao/n1/state")).toContain("gone"));
    });

    promise("a second connection of one id takes over from the first", async () => {
      const first = await connect(one, "n1");
      const closed = closing(first);
      const second = await connect(one, "n1");
      await closed;
      await second.publishAsync("shao/n1/up", "second", { qos: 1 });
      await vi.waitFor(() => expect(heardOn("shao/n1/up")).toContain("second"));
    });

    promise("what a node publishes on another's topic reaches nobody", async () => {
      const client = await connect(two, "n2");
      client.publish("shao/n1/up", "forged", { qos: 1 }, () => {});
      const other = await connect(one, "n1");
      await other.publishAsync("shao/n1/up", "after the forgery", { qos: 1 });
      await vi.waitFor(() => expect(heardOn("shao/n1/up")).toContain("after the forgery"));
      expect(heardOn("shao/n1/up")).not.toContain("forged");
    });

    promise("a node hears nothing of others, however widely it subscribes", async () => {
      const [nosy, other] = [await connect(two, "n2"), await connect(one, "n1")];
      const overheard: string[] = [];
      nosy.on("message", (topic) => overheard.push(topic));
      for (const filter of ["#", "shao/#", "shao/+/receipt", "shao/n1/receipt"]) {
        await nosy.subscribeAsync(filter, { qos: 1 }).catch(() => {});
      }
      await nosy.subscribeAsync("shao/n2/receipt", { qos: 1 });
      await other.publishAsync("shao/n1/up", "private", { qos: 1 });
      await say("shao/n1/receipt", "private");
      await say("shao/n2/receipt", "own");
      await vi.waitFor(() => expect(overheard).toContain("shao/n2/receipt"));
      expect(overheard).toEqual(["shao/n2/receipt"]);
    });

    promise("a payload of 60 MB cuts its sender, and the others go on", async () => {
      const [attacker, other] = [await connect(two, "n2"), await connect(one, "n1")];
      const closed = closing(attacker);
      attacker.publish("shao/n2/up", Buffer.alloc(60 * 1024 * 1024), { qos: 0 }, () => {});
      await closed;
      await other.publishAsync("shao/n1/up", "unharmed", { qos: 1 });
      await vi.waitFor(() => expect(heardOn("shao/n1/up")).toContain("unharmed"));
      expect(heardOn("shao/n2/up")).toEqual([]);
    });

    promise("a node that was revoked is heard no more", async () => {
      const client = await connect(two, "n2");
      broker.revoked.add("n2");
      broker.link.disconnect("n2");
      client.publish("shao/n2/up", "revoked", { qos: 1 }, () => {});
      const other = await connect(one, "n1");
      await other.publishAsync("shao/n1/up", "after the revoked", { qos: 1 });
      await vi.waitFor(() => expect(heardOn("shao/n1/up")).toContain("after the revoked"));
      expect(heardOn("shao/n2/up")).not.toContain("revoked");
      broker.revoked.delete("n2");
    });

    promise("a certificate of another authority, and none, do not get in", async () => {
      const stranger = await makeNodeIdentity(await makeTestAuthority(), "n1");
      await expect(connect({ ...stranger, ca: authority.caPem }, "n1")).rejects.toThrow();
      const bare = { key: undefined, cert: undefined } as unknown as NodeIdentity;
      await expect(connect({ ...one, ...bare, ca: authority.caPem }, "n1")).rejects.toThrow();
    });
  });
}

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Aedes } from "aedes";
import { describe, expect, onTestFinished, type TestContext, test, vi } from "vitest";
import { alarm, temporaryDirectory } from "../journal/sample-records.ts";
import { aedes, freePort, gateway, SOON, write } from "./gateway-with-broker.ts";
import { ScriptedBridge } from "./scripted-bridge.ts";

async function mosquitto(ctx: TestContext): Promise<string> {
  if (spawnSync("mosquitto", ["-h"]).error !== undefined) {
    const reason = "needs mosquitto (scripts/setup --test installs it)";
    if (process.env["CI"] !== undefined) throw new Error(reason);
    ctx.skip(reason);
  }
  const port = await freePort();
  const file = join(temporaryDirectory(), "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nuser root\n`);
  const child: ChildProcess = spawn("mosquitto", ["-c", file], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await vi.waitFor(
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.destroy();
          resolve();
        }).once("error", reject);
      }),
    SOON,
  );
  return `mqtt://127.0.0.1:${port}`;
}

/** Between node and broker; while it stalls, both ends keep their connection and nothing passes. */
async function stallingProxy(to: number) {
  let isStalled = false;
  const pairs: [Socket, Socket][] = [];
  const server = createServer((near) => {
    if (isStalled) {
      near.on("error", () => {});
      return;
    }
    const far = connect(to, "127.0.0.1");
    pairs.push([near, far]);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (bytes) => !isStalled && into.write(bytes));
      from.on("error", () => {});
      from.on("close", () => !isStalled && into.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    server.close();
  });
  return {
    url: `mqtt://127.0.0.1:${port}`,
    stall: (on: boolean) => {
      isStalled = on;
    },
    connections: () => pairs.length,
  };
}

describe.each([["aedes"], ["Mosquitto"]])("over %s", (name) => {
  const broker = async (ctx: TestContext) => (name === "aedes" ? (await aedes()).url : await mosquitto(ctx));

  test("what was written before and during a session arrives, each once, and is marked", async (ctx) => {
    const url = await broker(ctx);
    const bridge = await ScriptedBridge.start(url);
    onTestFinished(() => bridge.close());
    const { journal, uplink, run } = await gateway(url);
    await write(journal, 700);
    await vi.waitFor(() => expect(uplink.facts.isAnswered).toBe(true), SOON);
    await journal.write({ append: [alarm()] }, "urgent");
    await write(journal, 50);
    await vi.waitFor(() => expect(bridge.stored(run)).toBe(751), SOON);
    expect(bridge.repeats).toBe(0);
    await vi.waitFor(async () => expect((await journal.statistics()).unreceipted).toBe(0), SOON);
    expect(bridge.states).toMatchObject([{ node: "site-042", online: true }]);
    expect(await journal.getSetting("custody.bridge")).toBe("b1");
    expect(await journal.getSetting("custody.epoch")).toBe("e1");
  });

  test("a clean end says so; a start after it sends only what is new", async (ctx) => {
    const url = await broker(ctx);
    const bridge = await ScriptedBridge.start(url);
    onTestFinished(() => bridge.close());
    const first = await gateway(url);
    await write(first.journal, 10);
    await vi.waitFor(() => expect(bridge.stored(first.run)).toBe(10), SOON);
    await first.stop();
    await vi.waitFor(() => expect(bridge.states.at(-1)).toMatchObject({ online: false }), SOON);
    const second = await gateway(url, {}, first.directory);
    await write(second.journal, 5);
    await vi.waitFor(() => expect(bridge.stored(second.run)).toBe(5), SOON);
    expect(bridge.repeats).toBe(0);
  });

  test("another epoch brings a new hello, and what the bridge forgot is sent again", async (ctx) => {
    const url = await broker(ctx);
    const bridge = await ScriptedBridge.start(url);
    onTestFinished(() => bridge.close());
    const { journal, run } = await gateway(url);
    await write(journal, 10);
    await vi.waitFor(async () => expect((await journal.statistics()).unreceipted).toBe(0), SOON);
    bridge.records.clear();
    bridge.epoch = "e2";
    await write(journal, 1);
    await vi.waitFor(() => expect(bridge.stored(run)).toBe(11), SOON);
    await vi.waitFor(async () => expect(await journal.getSetting("custody.epoch")).toBe("e2"), SOON);
  });
});

test("a bridge that is not the paired one gets nothing", async () => {
  const { url } = await aedes();
  const bridge = await ScriptedBridge.start(url, "impostor");
  onTestFinished(() => bridge.close());
  const { journal, lines, run } = await gateway(url, { bridge: "b1" });
  await write(journal, 10);
  await vi.waitFor(() => expect(lines).toContainEqual(expect.objectContaining({ code: "BRIDGE_FOREIGN" })), SOON);
  expect(bridge.stored(run)).toBe(0);
});

test("a half-open line is noticed and replaced by a new connection, and nothing is lost", async () => {
  const { port, url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const proxy = await stallingProxy(port);
  const { journal, uplink, lines, run } = await gateway(proxy.url, { keepaliveS: 1 });
  await write(journal, 10);
  await vi.waitFor(() => expect(bridge.stored(run)).toBe(10), SOON);
  proxy.stall(true);
  await write(journal, 10);
  await vi.waitFor(() => expect(uplink.facts.isConnected).toBe(false), SOON);
  expect(lines).toContainEqual(expect.objectContaining({ code: "BROKER_LOST" }));
  proxy.stall(false);
  await vi.waitFor(() => expect(bridge.stored(run)).toBe(20), { ...SOON, timeout: 25_000 });
  expect(proxy.connections()).toBeGreaterThan(1);
}, 40_000);

test("a broker that goes and comes back is found again by itself", async () => {
  const port = await freePort();
  const { journal, uplink, lines, run } = await gateway(`mqtt://127.0.0.1:${port}`);
  await write(journal, 3);
  await vi.waitFor(
    () =>
      expect(lines).toContainEqual(expect.objectContaining({ code: "BROKER_UNREACHABLE", hint: expect.anything() })),
    SOON,
  );
  expect(uplink.facts.error).toMatchObject({ code: "BROKER_UNREACHABLE" });
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => broker.handle(socket));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bridge = await ScriptedBridge.start(`mqtt://127.0.0.1:${port}`);
  onTestFinished(async () => {
    await bridge.close();
    server.close();
    broker.close();
  });
  await vi.waitFor(() => expect(bridge.stored(run)).toBe(3), SOON);
  expect(uplink.facts.error).toBeUndefined();
});

test("a broker that refuses is named with what to do, once, and asked again", async () => {
  const { broker, url } = await aedes();
  broker.authenticate = (_client, _user, _password, done) =>
    done(Object.assign(new Error("refused"), { returnCode: 5 }) as never, false);
  const { lines, uplink } = await gateway(url);
  await vi.waitFor(() => expect(uplink.facts.error?.repeated).toBeGreaterThan(0), SOON);
  expect(lines.filter(({ code }) => code === "BROKER_REFUSED")).toEqual([
    expect.objectContaining({
      hint: expect.stringContaining("shao enroll"),
      reason: expect.stringContaining("not authorised"),
    }),
  ]);
});

test("a journal that cannot be read any more is reported, since what lies there would wait for ever", async () => {
  const { url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const onJournalBroken = vi.fn();
  const { journal } = await gateway(url, { onJournalBroken });
  journal.read = () => Promise.reject(Object.assign(new Error("page rotted"), { code: "JOURNAL_BROKEN" }));
  await write(journal, 3);
  await vi.waitFor(() => expect(onJournalBroken).toHaveBeenCalled(), SOON);
});

test("a read that the disk refuses for a moment is asked again, and what waits goes without a new connection", async () => {
  const { url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const { journal, uplink, run } = await gateway(url);
  await vi.waitFor(() => expect(uplink.facts.isAnswered).toBe(true), SOON);
  const read = journal.read.bind(journal);
  let refusals = 2;
  journal.read = (query) => {
    if (refusals-- > 0) return Promise.reject(Object.assign(new Error("I/O"), { code: "JOURNAL_READ_ONLY" }));
    return read(query);
  };
  await write(journal, 3);
  await vi.waitFor(() => expect(bridge.records.get(run)?.size).toBe(3), SOON);
  expect(refusals).toBeLessThan(0);
});

test("live levels go at QoS 0 while connected, and nowhere else", async () => {
  const { url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const { uplink } = await gateway(url);
  uplink.live.publish("noise-01", { atMs: 1, levelDb: 50, flags: [] });
  const seen: unknown[] = [];
  await bridge.watch("site-042", (stream, level) => seen.push([stream, level]));
  await vi.waitFor(() => expect(uplink.facts.isConnected).toBe(true), SOON);
  uplink.live.publish("noise-01", { atMs: 2, levelDb: 51, flags: [] });
  await vi.waitFor(() => expect(seen).toEqual([["noise-01", { atMs: 2, levelDb: 51, flags: [] }]]), SOON);
});

test("plain MQTT off loopback is refused before a byte is sent", async () => {
  const { lines } = await gateway("mqtt://192.0.2.1:1883");
  await vi.waitFor(() => expect(lines).toContainEqual(expect.objectContaining({ code: "BROKER_INSECURE" })), SOON);
});

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Child } from "../../cli/sim/child.ts";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import type { CaseView } from "../../cloud-bridge/api/schema/desk.ts";
import { metricsTokenFile } from "../../cloud-bridge/initialise.ts";
import type { RunningBridge } from "../../cloud-bridge/main.ts";
import { addAccount } from "../../cloud-bridge/roster/accounts.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { Command } from "../../protocol/session.ts";
import { noiseRevision } from "../fakes/alarm-revision.ts";
import { ApiClient } from "../fakes/api-client.ts";
import { EdgeNode } from "../fakes/edge-node.ts";
import { postgresMissing, type TestDatabase, testDatabase } from "../fakes/postgres-cluster.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const WITHIN = { timeout: 20_000, interval: 50 };

const missing = postgresMissing();
describe.skipIf(missing !== undefined)(`two processes of one bridge (${missing ?? "PostgreSQL"})`, () => {
  const closers: (() => Promise<unknown> | unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function database(): Promise<TestDatabase> {
    const made = await testDatabase();
    closers.push(() => made.drop());
    return made;
  }

  async function pair(hasSecond = true) {
    const { address, query } = await database();
    const state = mkdtempSync(join(tmpdir(), "shao-two-"));
    closers.push(() => rmSync(state, { recursive: true, force: true }));
    const { host, port, user, database: name } = address;
    const parts = `host: ${host}, port: ${port}, user: ${user}, database: ${name}, maxConnections: 4`;
    const config = () =>
      bridgeConfigFor(state, `store: { postgres: { ${parts} } }\ndispatch: { policy: auto, maxFixAgeSeconds: 3600 }\n`);
    const start = async (isWorkerOnly = false) => {
      const bridge = await startTestBridge(config(), { isWorkerOnly });
      closers.push(() => bridge.close());
      return bridge;
    };
    const first = await start();
    const admin = await signInBy(first, first.adminLink ?? "");
    const second = hasSecond ? await start() : first;
    const viewersAt = async ({ url, caPem }: RunningBridge): Promise<number> => {
      const authorization = `Bearer ${readFileSync(metricsTokenFile(state), "utf8").trim()}`;
      const { text } = await new ApiClient(url, caPem).ask("/metrics", { headers: { authorization } });
      return Number(/^shao_bridge_live_viewers (\d+)$/mu.exec(text)?.[1]);
    };
    return { first, second, admin, query, start, viewersAt, startWorker: () => start(true) };
  }

  /** Watches a camera of site-2 at one process until the returned function is called. */
  async function watch({ url, caPem }: RunningBridge, { cookie = "" }: ApiClient): Promise<() => void> {
    const headers = { cookie, origin: url, "sec-fetch-site": "same-origin" };
    const call = request(`${url}/api/v1/nodes/site-2/cameras/gate/live`, { method: "POST", ca: caPem, headers });
    call.on("error", () => {});
    closers.push(() => call.destroy());
    const answered = once(call.end(), "response") as Promise<[IncomingMessage]>;
    const [response] = await answered;
    response.on("error", () => {}).resume();
    expect(response.statusCode).toBe(200);
    return () => void call.destroy();
  }

  async function crewAt(bridge: RunningBridge, admin: ApiClient) {
    const nowMs = Date.now();
    await admin.post("/api/v1/units", { id: "street", name: "Street", level: "street" });
    await admin.post("/api/v1/crews", { id: "crew-1", name: "Crew 1", unitId: "street" });
    await admin.post("/api/v1/rosters", { crewId: "crew-1", fromMs: nowMs - 1000, toMs: nowMs + 3600_000 });
    const { token } = await addAccount(bridge.store.db, { name: "lin", role: "crew", crewId: "crew-1" }, nowMs);
    const crew = await signInBy(bridge, `${bridge.url}/welcome#${token}`);
    await crew.post("/api/v1/crews/crew-1/position", { latitudeDeg: 39.92, longitudeDeg: 116.46 });
    return crew;
  }

  const alarm = (nowMs: number): NewRecord =>
    ({
      ...{ upMs: 59_900, atMs: nowMs, timeQuality: "ntp", kind: "alarm", device: "noise-01" },
      body: noiseRevision({ nowMs, alarmId: newAlarmId(nowMs) }).body,
    }) as NewRecord;

  async function node(bridge: RunningBridge, admin: ApiClient, name: string): Promise<EdgeNode> {
    const identity = await EdgeNode.pair(bridge, admin, name);
    const edge = await EdgeNode.connect({ ...identity, mqttUrl: bridge.mqttUrl });
    closers.push(() => edge.client.end(true));
    return edge;
  }

  test("look like one: alarms that reach either become cases, and a crew at the other hears of them", async () => {
    const { first, second, admin } = await pair();
    expect([first.isElected(), second.isElected()]).toEqual([true, false]);
    expect(second.bridge).toBe(first.bridge);
    const crew = await crewAt(second, admin);
    const heard: string[] = [];
    const stream = await crew.events(({ name }) => heard.push(name));
    const edge = await node(second, admin, "site-2");
    await edge.send(alarm(Date.now()));
    await vi.waitFor(() => expect(edge.answers.map(({ type }) => type)).toContain("receipt"), WITHIN);
    await vi.waitFor(() => expect(heard).toContain("assignment"), WITHIN);
    // Proof of delivery is written where the page hangs, and read everywhere.
    await vi.waitFor(async () => {
      const { items } = (await admin.ask("/api/v1/cases")).json as { items: CaseView[] };
      expect(items).toHaveLength(1);
      expect(items[0]?.assignment?.notifiedAtMs).toBeGreaterThan(0);
    }, WITHIN);
    stream.close();
  });

  test("a viewer at one sees the live levels of a node that is connected to the other", async () => {
    const { first, second, admin } = await pair();
    const edge = await node(second, admin, "site-2");
    await vi.waitFor(async () => {
      const { json } = await admin.ask("/api/v1/nodes/site-2");
      expect(json).toMatchObject({ presence: { transport: "connected" } });
    }, WITHIN);
    const live: unknown[] = [];
    let client = "";
    const stream = await admin.events(({ name, data }) => {
      if (name === "welcome") ({ client } = data as { client: string });
      if (name === "live") live.push(data);
    });
    await vi.waitFor(() => expect(client).not.toBe(""), WITHIN);
    const downs: string[] = [];
    edge.client.on("message", (topic) => downs.push(topic));
    const { status } = await admin.post("/api/v1/nodes/site-2/live", { client, device: "noise-01" });
    expect(status).toBe(200);
    await vi.waitFor(() => expect(downs).toContain("shao/site-2/down"), WITHIN);
    await vi.waitFor(async () => {
      const level = { atMs: Date.now(), levelDb: 61.5, quantity: "LAF", flags: [] };
      await edge.client.publishAsync("shao/site-2/live/noise-01", JSON.stringify(level), { qos: 0 });
      expect(live).not.toHaveLength(0);
    }, WITHIN);
    expect(first.isElected()).toBe(true);
    stream.close();
  });

  test("who leaves one takes no video from who watches at the other, and the last ends it", async () => {
    const { first, second, admin, viewersAt } = await pair();
    const edge = await node(second, admin, "site-2");
    const asked: unknown[] = [];
    edge.client.on("message", (topic, bytes) => {
      if (topic.endsWith("/down")) asked.push((JSON.parse(bytes.toString()) as Command).args["forMs"]);
    });
    await vi.waitFor(async () => {
      const { json } = await admin.ask("/api/v1/nodes/site-2");
      expect(json).toMatchObject({ presence: { transport: "connected" } });
    }, WITHIN);
    const leaveSecond = await watch(second, admin);
    const leaveFirst = await watch(first, admin);
    await vi.waitFor(() => expect(asked).toEqual([60_000, 60_000]), WITHIN);
    leaveFirst();
    await vi.waitFor(async () => expect(await viewersAt(first)).toBe(0), WITHIN);
    // Whatever it had to tell the node then, it told before this.
    const leaveAgain = await watch(first, admin);
    await vi.waitFor(() => expect(asked.length).toBeGreaterThanOrEqual(3), WITHIN);
    expect(asked).toEqual([60_000, 60_000, 60_000]);
    leaveAgain();
    leaveSecond();
    await vi.waitFor(async () => {
      // The two may leave at one time, and the lease then runs out by itself: so one comes and goes alone.
      const leave = await watch(second, admin);
      leave();
      await vi.waitFor(async () => expect(await viewersAt(second)).toBe(0), WITHIN);
      await vi.waitFor(() => expect(asked.at(-1)).toBe(0), { timeout: 500, interval: 50 });
    }, WITHIN);
  });

  test("when the writer ends, the other is elected within seconds, draws a new epoch and goes on", async () => {
    const { first, second, admin } = await pair();
    const edge = await node(second, admin, "site-2");
    await vi.waitFor(() => expect(edge.answers).not.toHaveLength(0), WITHIN);
    const [before] = edge.answers.map(({ epoch }) => epoch);
    await first.close();
    await vi.waitFor(() => expect(second.isElected()).toBe(true), WITHIN);
    await edge.send(alarm(Date.now()));
    await vi.waitFor(() => expect(edge.answers.at(-1)).toMatchObject({ type: "receipt" }), WITHIN);
    expect(edge.answers.at(-1)?.epoch).not.toBe(before);
    await vi.waitFor(async () => {
      expect(await second.store.db.selectFrom("cases").select("number").execute()).toEqual([{ number: 1 }]);
    }, WITHIN);
  });

  test("a process that only works is never elected, also when nobody else is there, and takes records all the same", async () => {
    const { first, admin, start, startWorker } = await pair(false);
    const worker = await startWorker();
    const edge = await node(worker, admin, "site-2");
    await first.close();
    await edge.send(alarm(Date.now()));
    await vi.waitFor(() => expect(edge.answers.at(-1)).toMatchObject({ type: "receipt" }), WITHIN);
    const cases = () => worker.store.db.selectFrom("cases").select("number").execute();
    expect(await cases()).toEqual([]);
    // The next one that may act finds the place free, and does what was left.
    const next = await start();
    await vi.waitFor(async () => expect(await cases()).toEqual([{ number: 1 }]), WITHIN);
    expect([worker.isElected(), next.isElected()]).toEqual([false, true]);
  });

  test("a writer whose connection breaks stops acting; one of the two is elected anew", async () => {
    const { first, second, admin, query } = await pair();
    const [{ epoch: before } = { epoch: "" }] = (await query(
      "SELECT value AS epoch FROM meta WHERE key = 'epoch'",
    )) as { epoch: string }[];
    await query(
      "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()",
    );
    await vi.waitFor(async () => {
      const [row] = (await query("SELECT value AS epoch FROM meta WHERE key = 'epoch'")) as { epoch: string }[];
      expect(row?.epoch).not.toBe(before);
      expect([first.isElected(), second.isElected()].filter(Boolean)).toHaveLength(1);
    }, WITHIN);
    const edge = await node(first, admin, "site-1");
    await edge.send(alarm(Date.now()));
    await vi.waitFor(async () => {
      expect(await second.store.db.selectFrom("cases").select("number").execute()).toEqual([{ number: 1 }]);
    }, WITHIN);
  });

  test("nodes of a process that is gone are shown as disconnected, those of the other are not touched", async () => {
    const { first, second, admin } = await pair();
    await node(first, admin, "site-1");
    await node(second, admin, "site-2");
    const online = () => first.store.db.selectFrom("nodes").select(["id", "online"]).orderBy("id").execute();
    await vi.waitFor(async () => {
      expect(await online()).toEqual([
        { id: "site-1", online: 1 },
        { id: "site-2", online: 1 },
      ]);
    }, WITHIN);
    // As after a SIGKILL: no will is published, and its session is gone.
    await first.store.db.updateTable("nodes").set({ worker: "0000" }).where("id", "=", "site-2").execute();
    await vi.waitFor(async () => {
      expect(await online()).toEqual([
        { id: "site-1", online: 1 },
        { id: "site-2", online: 0 },
      ]);
    }, WITHIN);
  });

  test("a writer that stands still is replaced, and does no harm when it goes on", { timeout: 90_000 }, async () => {
    const { address, query } = await database();
    const directory = mkdtempSync(join(tmpdir(), "shao-stopped-"));
    const children: Child[] = [];
    closers.push(async () => {
      for (const child of children) {
        child.kill("SIGCONT");
        await child.stop();
      }
      rmSync(directory, { recursive: true, force: true });
    });
    const { system, adminToken } = await LocalSystem.create({
      directory,
      postgres: address,
      hasSecondBridge: true,
      bridgeConfig: { dispatch: { policy: "propose" } },
    });
    const first = await system.startBridge(["--log-level", "info"]);
    children.push(first);
    const admin = await system.signIn(adminToken);
    const second = await system.startBridge(["--log-level", "info"], [], 1);
    children.push(second);
    const { token } = (await admin.call("POST", "/api/v1/nodes", { node: "site-1" })) as { token: string };
    const { enroll } = await import("../../gateway/identity/enroll.ts");
    const identity = await enroll(system.url, token);
    const edge = await EdgeNode.connect({ ...identity, mqttUrl: `mqtts://127.0.0.1:${system.second.mqttPort}` });
    closers.push(() => edge.client.end(true));
    await vi.waitFor(() => expect(edge.answers).not.toHaveLength(0), WITHIN);

    first.kill("SIGSTOP");
    await edge.send(alarm(Date.now()));
    await second.line((line) => line.includes("elected: this process acts"), 30_000);
    await vi.waitFor(async () => expect(await query("SELECT id FROM cases")).toHaveLength(1), WITHIN);

    first.kill("SIGCONT");
    await first.line((line) => line.includes("ELECTION_LOST"), 30_000);
    await edge.send(alarm(Date.now()), alarm(Date.now()));
    await vi.waitFor(async () => {
      expect(await query("SELECT alarm_id FROM follow_up WHERE pending = 1")).toEqual([]);
      expect(await query("SELECT alarm_id FROM case_alarms")).toHaveLength(3);
    }, WITHIN);
    const twice = await query("SELECT alarm_id FROM case_alarms GROUP BY alarm_id HAVING count(*) > 1");
    expect(twice).toEqual([]);
    const health = await new ApiClient(system.second.url, identity.caPem).ask("/health");
    expect(health.json).toMatchObject({ elected: true });
  });
});

import { once } from "node:events";
import { createServer } from "node:net";
import { sql } from "kysely";
import { afterEach, expect, test, vi } from "vitest";
import type { CaseView } from "../../cloud-bridge/api/schema/desk.ts";
import type { RunningBridge } from "../../cloud-bridge/main.ts";
import { startBridge } from "../../cloud-bridge/main.ts";
import { addAccount } from "../../cloud-bridge/roster/accounts.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { noiseRevision } from "../fakes/alarm-revision.ts";
import { EdgeNode } from "../fakes/edge-node.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const SITE = { latitudeDeg: 39.912, longitudeDeg: 116.456 };
const running: RunningBridge[] = [];
const nodes: EdgeNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) node.client.end(true);
  for (const bridge of running.splice(0)) await bridge.close();
});

async function start(...options: Parameters<typeof startTestBridge>): Promise<RunningBridge> {
  const bridge = await startTestBridge(...options);
  running.push(bridge);
  return bridge;
}

function record(nowMs: number, content: Pick<NewRecord, "kind" | "body"> & { device?: string }): NewRecord {
  return { upMs: 59_900, atMs: nowMs, timeQuality: "ntp", ...content } as NewRecord;
}

test("an alarm that a paired node sends becomes a case, and the crew on duty hears of it and acts", async () => {
  const bridge = await start(bridgeConfigFor(undefined, "dispatch: { policy: auto }\n"));
  const nowMs = Date.now();
  const admin = await signInBy(bridge, bridge.adminLink ?? "");
  await admin.post("/api/v1/units", { id: "street", name: "Street", level: "street" });
  await admin.post("/api/v1/crews", { id: "crew-1", name: "Crew 1", unitId: "street" });
  await admin.post("/api/v1/rosters", { crewId: "crew-1", fromMs: nowMs - 1000, toMs: nowMs + 3600_000 });
  const invitation = await addAccount(bridge.store.db, { name: "lin", role: "crew", crewId: "crew-1" }, nowMs);
  const crew = await signInBy(bridge, `${bridge.url}/welcome#${invitation.token}`);
  await crew.post("/api/v1/crews/crew-1/position", { latitudeDeg: 39.92, longitudeDeg: 116.46 });
  const heard: { name: string; data: unknown }[] = [];
  const stream = await crew.events((event) => heard.push(event));

  const identity = await EdgeNode.pair(bridge, admin, "site-042");
  const node = await EdgeNode.connect(identity);
  nodes.push(node);
  await vi.waitFor(() => expect(node.answers).toContainEqual(expect.objectContaining({ type: "have", last: true })));
  const { body } = noiseRevision({ nowMs });
  await node.send(
    record(nowMs, {
      kind: "start",
      body: {
        reason: "first",
        version: "test",
        configSha256: "0".repeat(64),
        site: { name: "Guanghua Road block 7", timeZone: "Asia/Shanghai", ...SITE },
        devices: [{ id: "noise-01", driver: "modbus-noise", quantity: "LAF" }],
      },
    }),
    record(nowMs, { kind: "alarm", device: "noise-01", body }),
  );
  await vi.waitFor(() =>
    expect(node.answers).toContainEqual(
      expect.objectContaining({ type: "receipt", run: node.run, ranges: [[1, 2]], refused: [] }),
    ),
  );

  await vi.waitFor(() => expect(heard.map(({ name }) => name)).toContain("assignment"));
  const told = heard.find(({ name }) => name === "assignment")?.data as { assignment: { id: string } } | undefined;
  const acknowledge = { act: "acknowledge", deviceTimeMs: nowMs };
  const key = { "idempotency-key": "acknowledge-once" };
  for (let time = 0; time < 2; time += 1) {
    const { status, json } = await crew.post(`/api/v1/assignments/${told?.assignment.id}/acts`, acknowledge, key);
    expect([status, json]).toMatchObject([200, { state: "acknowledged" }]);
  }
  await vi.waitFor(async () => {
    const { json } = await admin.ask("/api/v1/cases");
    const { items } = json as { items: CaseView[] };
    expect(items).toMatchObject([
      { state: "acknowledged", siteName: "Guanghua Road block 7", alarmIds: [body.alarmId] },
    ]);
    expect(items[0]?.assignment?.notifiedAtMs).toBeGreaterThan(0);
  });
  const { items } = (await admin.ask("/api/v1/cases")).json as { items: CaseView[] };
  const { json: found } = await admin.ask(`/api/v1/cases/${items[0]?.id}`);
  const detail = found as { timeline: { kind: string; actor: string }[] };
  expect(detail.timeline.filter(({ kind }) => kind === "acknowledge")).toMatchObject([{ actor: "lin" }]);
  const { json } = await admin.ask("/api/v1/nodes/site-042");
  expect(json).toMatchObject({
    siteId: "site-042",
    presence: { transport: "connected" },
    accounting: { expected: 2, stored: 2, outstanding: 0, unexplained: 0 },
  });
  stream.close();
});

test("two boxes that carry one identity are both heard, and the fault stands on the node", async () => {
  const bridge = await start();
  const admin = await signInBy(bridge, bridge.adminLink ?? "");
  const identity = await EdgeNode.pair(bridge, admin, "site-042");
  const first = await EdgeNode.connect(identity);
  const second = await EdgeNode.connect(identity);
  const back = await EdgeNode.connect(identity);
  Object.assign(back, { run: first.run });
  await back.hello();
  nodes.push(first, second, back);
  await vi.waitFor(async () => {
    const { json } = await admin.ask("/api/v1/nodes/site-042");
    expect(json).toMatchObject({ faults: [{ rule: "node-id-shared" }] });
  });
  const { json } = await admin.ask("/api/v1/nodes/site-042/accounting");
  const { runs } = json as { runs: { run: string }[] };
  expect(runs.map(({ run }) => run)).toEqual(expect.arrayContaining([first.run, second.run]));
});

test("while the disk takes nothing no receipt is given and health says so; when it does again, nothing is lost", async () => {
  const bridge = await start();
  const admin = await signInBy(bridge, bridge.adminLink ?? "");
  const node = await EdgeNode.connect(await EdgeNode.pair(bridge, admin, "site-042"));
  nodes.push(node);
  await vi.waitFor(() => expect(node.answers).toContainEqual(expect.objectContaining({ type: "have" })));
  await sql`PRAGMA query_only = ON`.execute(bridge.store.db);
  const { body } = noiseRevision({ nowMs: Date.now() });
  const alarm = record(Date.now(), { kind: "alarm", device: "noise-01", body });
  await node.send(alarm);
  const { status, json } = await admin.ask("/health");
  expect([status, json]).toMatchObject([503, { status: "broken", code: "STORE_CANNOT_WRITE" }]);
  const refused = await admin.post("/api/v1/units", { id: "street", name: "Street", level: "street" });
  expect(refused.json).toMatchObject({
    status: 503,
    code: "STORE_CANNOT_WRITE",
    hint: expect.stringContaining("disk"),
  });
  expect(node.answers.some(({ type }) => type === "receipt")).toBe(false);
  await sql`PRAGMA query_only = OFF`.execute(bridge.store.db);
  await node.resend();
  await vi.waitFor(() => expect(node.answers).toContainEqual(expect.objectContaining({ ranges: [[1, 1]] })));
  await vi.waitFor(async () => {
    const { items } = (await admin.ask("/api/v1/cases")).json as { items: CaseView[] };
    expect(items.map(({ alarmIds }) => alarmIds)).toEqual([[body.alarmId]]);
  });
});

test("a node that the command line revoked beside a running bridge is cut", async () => {
  const bridge = await start();
  const admin = await signInBy(bridge, bridge.adminLink ?? "");
  const node = await EdgeNode.connect(await EdgeNode.pair(bridge, admin, "site-042"));
  nodes.push(node);
  const closed = new Promise<void>((resolve) => node.client.once("close", () => resolve()));
  await bridge.store.db.updateTable("nodes").set({ revoked_at_ms: 1 }).where("id", "=", "site-042").execute();
  await closed;
});

test("one state folder has one bridge, and a restart keeps its identity and knows that nobody is connected", async () => {
  const config = bridgeConfigFor();
  const first = await start(config);
  await expect(startTestBridge(config)).rejects.toMatchObject({ code: "BRIDGE_ALREADY_RUNNING" });
  const admin = await signInBy(first, first.adminLink ?? "");
  nodes.push(await EdgeNode.connect(await EdgeNode.pair(first, admin, "site-042")));
  await vi.waitFor(async () =>
    expect((await admin.ask("/api/v1/nodes/site-042")).json).toMatchObject({ presence: { transport: "connected" } }),
  );
  await running.pop()?.close();
  const second = await start(config);
  expect([second.bridge, second.fingerprint]).toEqual([first.bridge, first.fingerprint]);
  expect(second.adminLink).toBeUndefined();
  const row = await second.store.db
    .selectFrom("nodes")
    .select("online")
    .where("id", "=", "site-042")
    .executeTakeFirst();
  expect(row?.online).toBe(0);
});

test("a port that another program holds, and a bridge without its CA, are told with what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  for (const taken of [
    { mqtt: port, http: 0 },
    { mqtt: 0, http: port },
  ]) {
    const config = bridgeConfigFor();
    const start = startTestBridge({ ...config, listen: { ...config.listen, ...taken } });
    await expect(start).rejects.toMatchObject({ code: "LISTEN_PORT_TAKEN", hint: expect.stringContaining("ss -ltnp") });
  }
  other.close();
  await expect(startBridge({ config: bridgeConfigFor(), log: silentLogger })).rejects.toMatchObject({
    code: "BRIDGE_NOT_INITIALISED",
  });
});

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningBridge } from "../../../cloud-bridge/main.ts";
import { type AccountRole, addAccount } from "../../../cloud-bridge/roster/accounts.ts";
import { openSession } from "../../../cloud-bridge/roster/sessions.ts";
import { ApiClient } from "../../fakes/api-client.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../../fakes/running-bridge.ts";

const toMs = Date.now() + 3600_000;
const STREETS = ["east", "west"] as const;

let bridge: RunningBridge;
let admin: ApiClient;

async function as(role: AccountRole, of: { unitId?: string; crewId?: string }): Promise<ApiClient> {
  const { account } = await addAccount(bridge.store.db, { name: randomUUID(), role, ...of }, Date.now());
  const client = new ApiClient(bridge.url, bridge.caPem);
  client.cookie = `__Host-shao=${(await openSession(bridge.store.db, account.id, Date.now())).secret}`;
  return client;
}

async function made(client: ApiClient, path: string, body: object): Promise<void> {
  const { status, text } = await client.post(`/api/v1/${path}`, body);
  expect(status, `${path} ${JSON.stringify(body)}: ${text}`).toBeLessThan(300);
}

async function refused(client: ApiClient, path: string, body: object): Promise<void> {
  const { status, json } = await client.post(`/api/v1/${path}`, body);
  expect([status, json], `${path} ${JSON.stringify(body)}`).toMatchObject([403, { code: "SCOPE_REFUSED" }]);
}

beforeAll(async () => {
  bridge = await startTestBridge(bridgeConfigFor());
  admin = await signInBy(bridge, bridge.adminLink ?? "");
  await made(admin, "units", { id: "district", name: "district", level: "district" });
  for (const [index, unitId] of STREETS.entries()) {
    await made(admin, "units", { id: unitId, name: unitId, level: "street", parentId: "district" });
    const site = { id: `site-${unitId}`, name: unitId, timeZone: "Asia/Shanghai", unitId };
    await made(admin, "sites", site);
    const nodes = [`car-${unitId}`, `camera-${unitId}`].map((id) => ({
      ...{ id, created_at_ms: 1 },
      site_id: id.startsWith("camera") ? site.id : null,
    }));
    await bridge.store.db.insertInto("nodes").values(nodes).execute();
    for (const one of [1, 2]) {
      const person = { id: `${unitId}-${one}`, name: "x", unitId, radioIssi: `${index}${one}` };
      await made(admin, "people", person);
    }
    const crew = { id: `crew-${unitId}`, name: "x", unitId, vehicleNode: `car-${unitId}`, radioIssi: `${index}0` };
    await made(admin, "crews", crew);
  }
});
afterAll(() => bridge.close());

const west = { id: "crew-west", name: "x", unitId: "west", vehicleNode: "car-west", radioIssi: "10" };

test("a crew with a foreign car would get at its cameras: car, radio and members are of the account's own units", async () => {
  const desk = await as("dispatcher", { unitId: "west" });
  for (const vehicleNode of ["camera-east", "car-east", "not-enrolled-yet"]) {
    await refused(desk, "crews", { ...west, vehicleNode });
    await refused(desk, "crews", { ...west, id: "new-crew", radioIssi: "19", vehicleNode });
    expect((await desk.ask(`/api/v1/nodes/${vehicleNode}/audit`)).status).not.toBe(200);
  }
  for (const radioIssi of ["00", "01"]) await refused(desk, "crews", { ...west, radioIssi });
  await refused(desk, "crews", { ...west, memberIds: ["west-1", "east-1"] });
  await made(desk, "crews", { ...west, vehicleNode: "camera-west", radioIssi: "12", memberIds: ["west-1"] });
  await made(desk, "crews", { ...west, vehicleNode: "camera-west", radioIssi: "8888" });
  const operator = await as("operator", { unitId: "west" });
  await refused(operator, "people", { id: "west-1", name: "x", unitId: "west", radioIssi: "01" });
  await made(operator, "people", { id: "west-1", name: "y", unitId: "west", radioIssi: "11" });
});

test("what somebody above gave a crew, its own desk may keep and file", async () => {
  await made(admin, "crews", { ...west, vehicleNode: "spare-car", radioIssi: "02", memberIds: ["east-2"] });
  const desk = await as("dispatcher", { unitId: "west" });
  await made(desk, "crews", {
    ...west,
    name: "renamed",
    vehicleNode: "spare-car",
    radioIssi: "02",
    memberIds: ["east-2"],
  });
  const people = [{ personId: "east-2", radioIssi: "02" }];
  await made(desk, "filings", { crewId: "crew-west", fromMs: 1, toMs: 2, vehicleNode: "spare-car", people });
  await made(admin, "crews", west);
  await refused(desk, "crews", { ...west, memberIds: ["east-2"] });
});

test("a filing names people, car and radios of the account's own units, whoever of the crew files it too", async () => {
  const own = { crewId: "crew-west", toMs, people: [{ personId: "west-1" }] };
  const foreign = [
    { ...own, vehicleNode: "car-east" },
    { ...own, vehicleNode: "camera-east" },
    { ...own, people: [{ personId: "west-1" }, { personId: "east-1" }] },
    { ...own, people: [{ personId: "west-1", radioIssi: "01" }] },
    { ...own, people: [{ personId: "west-1", radioIssi: "00" }] },
  ];
  const clients = [await as("dispatcher", { unitId: "west" }), await as("crew", { crewId: "crew-west" })];
  for (const client of clients) for (const filing of foreign) await refused(client, "filings", filing);
  for (const [index, client] of clients.entries()) {
    const times = { fromMs: 10 * index, toMs: 10 * index + 1 };
    const people = [
      { personId: "west-1", radioIssi: "12" },
      { personId: "west-2", radioIssi: "7777" },
    ];
    await made(client, "filings", { crewId: "crew-west", ...times, vehicleNode: "camera-west", people });
    await made(client, "filings", {
      ...own,
      fromMs: 100 + times.fromMs,
      toMs: 100 + times.toMs,
      vehicleNode: "pool-car",
    });
  }
  const above = await as("dispatcher", { unitId: "district" });
  await made(above, "filings", {
    ...own,
    fromMs: 200,
    toMs: 201,
    vehicleNode: "car-east",
    people: [{ personId: "east-1" }],
  });
  await made(admin, "filings", {
    ...own,
    fromMs: 300,
    toMs: 301,
    vehicleNode: "car-east",
    people: [{ personId: "east-1" }],
  });
});

test("ground is given within that of the unit above, else by an account above: sites of nobody stay whose they were", async () => {
  const box = (latitudeDeg: number, sizeDeg: number) => ({
    kind: "polygon",
    outline: [
      { latitudeDeg, longitudeDeg: 116.4 },
      { latitudeDeg, longitudeDeg: 116.4 + sizeDeg },
      { latitudeDeg: latitudeDeg + sizeDeg, longitudeDeg: 116.4 + sizeDeg },
      { latitudeDeg: latitudeDeg + sizeDeg, longitudeDeg: 116.4 },
    ],
  });
  const [own, foreign] = [box(39.9, 0.02), box(40.5, 0.02)];
  const ofNobody = { id: "of-nobody", name: "x", timeZone: "Asia/Shanghai", latitudeDeg: 40.51, longitudeDeg: 116.41 };
  await made(admin, "sites", ofNobody);
  const keeper = await as("operator", { unitId: "west" });
  const below = { id: "west-1", name: "x", level: "community", parentId: "west" };
  for (const area of [own, foreign]) await refused(keeper, "units", { ...below, areas: [area] });
  await made(admin, "units", { id: "west", name: "west", level: "street", parentId: "district", areas: [own] });
  await made(keeper, "units", { ...below, areas: [own] });
  await made(keeper, "units", { ...below, areas: [box(39.905, 0.01)] });
  await refused(keeper, "units", { ...below, areas: [box(39.905, 0.01), foreign] });
  await refused(keeper, "units", { id: "west-2", name: "x", level: "department", parentId: "west-1", areas: [own] });
  expect((await keeper.ask("/api/v1/sites/of-nobody")).status).toBe(403);
  await made(admin, "units", { ...below, areas: [foreign] });
  await made(keeper, "units", { ...below, name: "renamed", areas: [foreign] });
  expect((await keeper.ask("/api/v1/sites/of-nobody")).status).toBe(200);
});

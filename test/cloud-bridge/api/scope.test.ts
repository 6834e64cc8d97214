import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { applyAlarm } from "../../../cloud-bridge/alarms/apply-alarm.ts";
import type { RunningBridge } from "../../../cloud-bridge/main.ts";
import { type AccountRole, addAccount } from "../../../cloud-bridge/roster/accounts.ts";
import { openSession } from "../../../cloud-bridge/roster/sessions.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { ApiClient } from "../../fakes/api-client.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../../fakes/running-bridge.ts";

const HOUR_MS = 3600_000;
const STREETS = ["east", "west"] as const;
type Street = (typeof STREETS)[number];

let bridge: RunningBridge;
let admin: ApiClient;
/** Ids of what each street has, by the room of the API. */
const has: Record<Street, Record<string, string>> = { east: {}, west: {} };

async function as(role: AccountRole, unitId?: string): Promise<ApiClient> {
  const unit = unitId !== undefined && { unitId };
  const { account } = await addAccount(bridge.store.db, { name: randomUUID(), role, ...unit }, Date.now());
  const client = new ApiClient(bridge.url, bridge.caPem);
  client.cookie = `__Host-shao=${(await openSession(bridge.store.db, account.id, Date.now())).secret}`;
  return client;
}

async function furnish(street: Street, latitudeDeg: number): Promise<void> {
  const nowMs = Date.now();
  const { db } = bridge.store;
  const made = async (path: string, body: object): Promise<string> => {
    const { status, text, json } = await admin.post(`/api/v1/${path}`, body);
    if (status >= 300) throw new Error(`${path}: ${text}`);
    return (json as { id: string }).id;
  };
  const mine = has[street];
  const outline = [
    { latitudeDeg: latitudeDeg - 0.01, longitudeDeg: 116.4 },
    { latitudeDeg: latitudeDeg + 0.01, longitudeDeg: 116.4 },
    { latitudeDeg, longitudeDeg: 116.5 },
  ];
  mine["units"] = await made("units", {
    ...{ id: street, name: street, level: "street", parentId: "district" },
    areas: [{ kind: "polygon", outline }],
  });
  // The site names no unit: it lies on the street's ground.
  const place = { latitudeDeg, longitudeDeg: 116.42 };
  mine["sites"] = await made("sites", { id: `site-${street}`, name: street, timeZone: "Asia/Shanghai", ...place });
  mine["people"] = await made("people", { id: `person-${street}`, name: street, unitId: street });
  mine["crews"] = await made("crews", {
    id: `crew-${street}`,
    name: street,
    unitId: street,
    vehicleNode: `car-${street}`,
  });
  mine["shifts"] = await made("shifts", {
    id: `night-${street}`,
    unitId: street,
    name: "night",
    starts: "22:00",
    ends: "06:00",
  });
  mine["rosters"] = await made("rosters", { crewId: mine["crews"], fromMs: nowMs - HOUR_MS, toMs: nowMs + HOUR_MS });
  const people = [{ personId: mine["people"] }];
  mine["filings"] = await made("filings", { crewId: mine["crews"], toMs: nowMs + HOUR_MS, people });
  const permit = { siteId: mine["sites"], number: street, fromMs: 1, toMs: 2 };
  mine["permits"] = await made("permits", permit);
  mine["nodes"] = `node-${street}`;
  const site_id = mine["sites"];
  await db.insertInto("nodes").values({ id: mine["nodes"], site_id, created_at_ms: nowMs }).execute();
  await db
    .insertInto("nodes")
    .values({ id: `car-${street}`, created_at_ms: nowMs })
    .execute();
  const binding = { node: mine["nodes"], device: "noise-01", site_id, from_ms: 0, source: "start" };
  await db.insertInto("bindings").values(binding).execute();
  await db
    .insertInto("supervision")
    .values({
      ...{ filing_id: mine["filings"], crew_id: mine["crews"], kind: "no-fix", since_ms: nowMs, until_ms: nowMs },
      ...{ fix_at_ms: null, latitude_deg: null, longitude_deg: null },
    })
    .execute();
  const revision = noiseRevision({ nowMs, node: mine["nodes"] });
  await db.transaction().execute((trx) => applyAlarm(trx, revision, nowMs));
  const { alarmId } = revision.body;
  mine["alarms"] = alarmId;
  mine["evidence"] = `evidence-${street}`;
  await db
    .insertInto("evidence")
    .values({
      ...{
        evidence_id: mine["evidence"],
        alarm_id: alarmId,
        node: mine["nodes"],
        device: "noise-01",
        run: "r",
        seq: 1,
      },
      ...{
        received_at_ms: nowMs,
        body: JSON.stringify({ evidenceId: mine["evidence"], alarmId, parts: [], missing: [] }),
      },
      ...{ manifest: null, key_id: null, sig: null },
    })
    .execute();
  await vi.waitFor(
    async () => {
      const joined = await db
        .selectFrom("case_alarms")
        .select("case_id")
        .where("alarm_id", "=", alarmId)
        .executeTakeFirst();
      mine["cases"] = joined?.case_id ?? "";
      expect(mine["cases"]).not.toBe("");
    },
    { timeout: 20_000 },
  );
}

beforeAll(async () => {
  bridge = await startTestBridge(bridgeConfigFor(undefined, "dispatch: { policy: propose }\n"));
  admin = await signInBy(bridge, bridge.adminLink ?? "");
  for (const id of ["district", "elsewhere"]) await admin.post("/api/v1/units", { id, name: id, level: "district" });
  await admin.post("/api/v1/units", { id: "police", name: "police", level: "department", parentId: "district" });
  await furnish("east", 39.9);
  await furnish("west", 39.99);
  for (const street of STREETS) {
    const position = { latitudeDeg: street === "east" ? 39.9 : 39.99, longitudeDeg: 116.41 };
    const order = { source: "12345", externalId: street, channel: "order", title: "a stall", category: "street-stall" };
    const { status, json, text } = await admin.post("/api/v1/reports", { ...order, position });
    if (status !== 201) throw new Error(text);
    has[street]["reports"] = (json as { id: string }).id;
    const { caseId } = json as { caseId: string };
    has[street]["more cases"] = caseId;
    const called = { caseId, kind: "key", fromUnitId: street, unitIds: ["police"], leadUnitId: "police", text: "x" };
    const blown = await admin.post("/api/v1/whistles", called, { "idempotency-key": `whistle-${street}` });
    if (blown.status !== 201) throw new Error(blown.text);
    const whistle = blown.json as { id: string; legs: { id: string }[] };
    has[street]["whistles"] = whistle.id;
    has[street]["whistle legs"] = whistle.legs[0]?.id ?? "";
    const work = { siteId: has[street]["sites"], cause: "x", fromMs: 1, toMs: Date.now() + HOUR_MS };
    const inhibition = await admin.post("/api/v1/inhibitions", work);
    if (inhibition.status !== 201) throw new Error(inhibition.text);
    has[street]["inhibitions"] = (inhibition.json as { id: string }).id;
  }
  for (const street of STREETS) {
    const { crews: crew_id = "", cases: case_id = "" } = has[street];
    const notice = { channel: "crew-page", reason: "test", crew_id, case_id, assignment_id: street, created_at_ms: 1 };
    const open = { delivered_at_ms: null, delivered_to: null, cancelled_at_ms: 1 };
    const row = bridge.store.db.insertInto("outbox").values({ ...notice, ...open });
    has[street]["notices"] = String((await row.returning("id").executeTakeFirstOrThrow()).id);
  }
});
afterAll(() => bridge.close());

async function idsOf(client: ApiClient, path: string): Promise<string[]> {
  const { status, json, text } = await client.ask(`/api/v1/${path}`);
  if (status !== 200) throw new Error(`${path}: ${text}`);
  const { items } = json as { items: Record<string, string>[] };
  return items.map((item) => item["alarmId"] ?? item["crewId"] ?? item["id"] ?? item["node"] ?? "").sort();
}

/** Lists, with what the west is to see of them; `alike`: everybody sees the same. */
const LISTS: Record<string, readonly string[] | "alike"> = {
  alarms: ["alarms"],
  cases: ["cases", "more cases"],
  reports: ["reports"],
  whistles: ["whistles"],
  inhibitions: ["inhibitions"],
  notices: ["crews"],
  sites: ["sites"],
  devices: ["nodes"],
  crews: ["crews"],
  people: ["people"],
  shifts: ["shifts"],
  rosters: ["crews"],
  filings: ["crews"],
  supervision: ["crews"],
  "permits?revoked=true": ["permits"],
  units: "alike",
  calendars: "alike",
  catalogues: "alike",
};

test("a list holds what the account's unit and those below it have, and nothing else", async () => {
  const viewers = { west: await as("supervisor", "west"), east: await as("supervisor", "east") };
  const above = await as("supervisor", "district");
  const nowhere = await as("supervisor", "elsewhere");
  for (const [path, kinds] of Object.entries(LISTS)) {
    if (kinds === "alike") {
      expect(await idsOf(viewers.west, path), path).toEqual(await idsOf(admin, path));
      continue;
    }
    for (const street of STREETS) {
      const own = kinds.map((kind) => has[street][kind]).sort();
      expect(await idsOf(viewers[street], path), `${street}: ${path}`).toEqual(own);
    }
    expect(await idsOf(above, path), `above: ${path}`).toHaveLength(2 * kinds.length);
    expect(await idsOf(nowhere, path), `nowhere: ${path}`).toEqual([]);
  }
  expect(await idsOf(viewers.west, "nodes")).toEqual(["car-west", "node-west"]);
  const counted = (await viewers.west.ask("/api/v1/fleet/summary?group=site")).json;
  expect(counted).toMatchObject({ total: { nodes: 2 }, groups: [{ nodes: 1 }, { nodes: 1 }] });
  for (const street of STREETS) {
    const gate = { node: `node-${street}`, device: "gate", driver: "camera", state: "online", at_ms: Date.now() };
    await bridge.store.db
      .insertInto("device_state")
      .values({ ...gate, quantity: null, last_reading_at_ms: null })
      .execute();
  }
  const { json } = await viewers.west.ask("/api/v1/cameras");
  expect((json as { cameras: { node: string }[] }).cameras.map(({ node }) => node)).toEqual(["node-west"]);
  const west = await as("dispatcher", "west");
  expect(await idsOf(west, "cases?sort=-updatedAtMs&open=true&limit=1&family=noise")).toEqual([has.west["cases"]]);
});

/** Items and acts: every route with an id, and every one that makes something, with what the east has. */
function foreign(): [string, string, object?][] {
  const { cases, reports, sites, crews, people, shifts, rosters, filings, permits, nodes, evidence } = has.east;
  const act = { act: "note", cause: "x" };
  const soon = Date.now() + HOUR_MS;
  return [
    ["GET", `cases/${cases}`],
    ["GET", `cases/${cases}/evidence-bundle`],
    ["POST", `cases/${cases}/acts`, act],
    ["POST", `cases/${has.west["cases"]}/acts`, { act: "merge", into: cases, cause: "x" }],
    ["GET", `whistles/${has.east["whistles"]}`],
    ["POST", `whistles/${has.east["whistles"]}/acts`, { act: "archive" }],
    ["POST", `whistle-legs/${has.east["whistle legs"]}/acts`, { act: "receive" }],
    ["DELETE", `inhibitions/${has.east["inhibitions"]}`],
    ["POST", "inhibitions", { siteId: sites, cause: "x", fromMs: 1, toMs: soon }],
    ["GET", `reports/${reports}`],
    ["POST", `reports/${reports}/acts`, { act: "result-taken" }],
    ["POST", `notices/${has.east["notices"]}/retry`],
    ["GET", `evidence/${evidence}/bundle`],
    ["GET", `evidence/${evidence}/parts/levels`],
    ["GET", `nodes/${nodes}`],
    ["GET", `nodes/${nodes}/accounting`],
    ["GET", `nodes/${nodes}/health?fromMs=0&toMs=1`],
    ["GET", `nodes/${nodes}/audit`],
    ["POST", "bindings", { node: nodes, siteId: sites }],
    ["GET", `nodes/${nodes}/accounting/AAAAAAAAAAAAAAAAAAAAAA`],
    ["GET", `nodes/${nodes}/levels?device=noise-01&fromMs=0&toMs=1`],
    ["GET", `nodes/${nodes}/hours?device=noise-01&fromMs=0&toMs=1`],
    ["GET", `nodes/${nodes}/commands`],
    ["POST", `nodes/${nodes}/commands`, { kind: "snapshot", args: { device: "camera" } }],
    ["POST", `nodes/${nodes}/commands/k1/cancel`, {}],
    ["POST", `nodes/${nodes}/live`, { client: "x", device: "noise-01" }],
    ["GET", `nodes/${nodes}/cameras/gate/still`],
    ["POST", `nodes/${nodes}/cameras/gate/watch`],
    ["POST", `nodes/${nodes}/cameras/gate/live`],
    ["POST", `nodes/${nodes}/cameras/gate/case`, { title: "x" }],
    ["POST", `nodes/${nodes}/revoke`],
    ["GET", `nodes/${nodes}/config`],
    ["PUT", `nodes/${nodes}/config/desired`, { document: "x" }],
    ["POST", `nodes/${nodes}/config/apply`, {}],
    ["GET", "rollouts"],
    ["GET", "rollouts/x"],
    ["POST", "rollouts", { nodes: [nodes], patch: {}, sharePct: 10, stopAbovePct: 5 }],
    ["POST", "rollouts/x/stop"],
    ["POST", "nodes", { node: nodes }],
    ["GET", `sites/${sites}`],
    ["POST", "sites", { id: sites, name: "x", timeZone: "Asia/Shanghai", unitId: "west" }],
    ["POST", "sites", { id: "new-site", name: "x", timeZone: "Asia/Shanghai" }],
    ["GET", `permits/${permits}`],
    ["POST", `permits/${permits}/revoke`, { cause: "x" }],
    ["POST", "permits", { siteId: sites, number: "x", fromMs: 1, toMs: 2 }],
    ["GET", `crews/${crews}`],
    ["DELETE", `crews/${crews}`],
    ["POST", "crews", { id: crews, name: "x", unitId: "west" }],
    ["POST", "crews", { id: "new-crew", name: "x", unitId: "east" }],
    ["GET", `people/${people}`],
    ["POST", "people", { id: people, name: "x", unitId: "west" }],
    ["GET", `shifts/${shifts}`],
    ["DELETE", `shifts/${shifts}`],
    ["POST", "shifts", { id: shifts, unitId: "west", name: "x", starts: "22:00", ends: "06:00" }],
    ["GET", `rosters/${rosters}`],
    ["DELETE", `rosters/${rosters}`],
    ["POST", "rosters", { crewId: crews, fromMs: 1, toMs: 2 }],
    ["GET", `filings/${filings}`],
    ["POST", `filings/${filings}/end`],
    ["POST", "filings", { crewId: crews, toMs: soon, people: [{ personId: people }] }],
    ["POST", "units", { id: "west", name: "x", level: "street", parentId: "district" }],
    ["POST", "units", { id: "east", name: "x", level: "street", parentId: "west" }],
    ["POST", "units", { id: "new-unit", name: "x", level: "street" }],
    ["DELETE", "units/east"],
    ["DELETE", "units/west"],
    [
      "POST",
      "calendars",
      { id: "default", name: "x", timeZone: "Asia/Shanghai", week: { mon: [{ from: "09:00", to: "10:00" }] } },
    ],
    ["POST", "catalogues", {}],
    ["GET", "sources"],
    ["POST", "sources", { name: "x", source: "x" }],
    ["POST", "sources/s1/revoke"],
  ];
}

test("what belongs to others is refused, read or written, to every role that may do such a thing at all", async () => {
  const clients = await Promise.all((["admin", "operator", "dispatcher"] as const).map((role) => as(role, "west")));
  const keyed = { "idempotency-key": "key-of-a-foreign-act" };
  let refused = 0;
  for (const [method, path, body] of foreign()) {
    for (const client of clients) {
      const { status, json } = await client.ask(`/api/v1/${path}`, { method, headers: keyed, ...(body && { body }) });
      expect(status, `${method} ${path}: ${JSON.stringify(json)}`).toBe(403);
      const { code } = json as { code: string };
      expect(["SCOPE_REFUSED", "CASE_FOREIGN", "ROLE_REFUSED"]).toContain(code);
      if (code !== "ROLE_REFUSED") refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(foreign().length);
  for (const [kind, id] of Object.entries(has.east)) {
    if (["units", "alarms", "evidence", "more cases", "notices", "whistle legs", "inhibitions"].includes(kind))
      continue;
    expect((await admin.ask(`/api/v1/${kind}/${id}`)).status, `${kind} is still there`).toBe(200);
  }
});

test("every route is known to the scope: what nobody thought of is refused", async () => {
  const { json } = await admin.ask("/openapi.json");
  const west = await as("admin", "west");
  const known = new Set(foreign().map(([method, path]) => `${method} ${path.split(/[/?]/u)[0]}`));
  const open = [
    "session",
    "welcome",
    "enroll",
    "events",
    "analysis",
    "assignments",
    "catalogues",
    "calendars",
    "config-schema",
  ];
  const unknown = Object.entries((json as { paths: Record<string, object> }).paths).flatMap(([path, methods]) => {
    const [, , , room = "", item] = path.split("/");
    if (!path.startsWith("/api/v1/") || open.includes(room)) return [];
    return Object.keys(methods)
      .map((method) => `${method.toUpperCase()} ${room}`)
      .filter((name) => !known.has(name) && !(!item?.startsWith("{") && name.startsWith("GET") && isList(room)));
  });
  expect(unknown.filter((name) => name !== "GET units")).toEqual([]);
  expect((await west.ask("/metrics")).status).toBe(401);
});

function isList(room: string): boolean {
  return ["nodes", "fleet", "cameras"].includes(room) || Object.keys(LISTS).some((list) => list.split("?")[0] === room);
}

test("who keeps a unit works within it: units below, people, crews, cases of its own", async () => {
  const west = await as("operator", "west");
  const mine = async (path: string, body: object) => (await west.post(`/api/v1/${path}`, body)).status;
  const community = { id: "west-1", name: "community", level: "community", parentId: "west" };
  expect(await mine("units", community)).toBe(200);
  expect(await mine("people", { id: "new-person", name: "x", unitId: "west-1" })).toBe(200);
  expect(await mine("crews", { id: "new-crew", name: "x", unitId: "west-1", memberIds: ["new-person"] })).toBe(200);
  expect(await idsOf(west, "crews")).toEqual(["crew-west", "new-crew"]);
  const desk = await as("dispatcher", "west");
  const path = `/api/v1/cases/${has.west["cases"]}/acts`;
  const assign = (crewId: string) =>
    desk.post(path, { act: "assign", crewId }, { "idempotency-key": `send-${crewId}-0` });
  expect((await assign("crew-east")).json).toMatchObject({ code: "SCOPE_REFUSED" });
  const { candidates } = (await desk.ask(`/api/v1/cases/${has.west["cases"]}`)).json as {
    candidates: { crewId: string }[];
  };
  expect(candidates.map(({ crewId }) => crewId)).not.toContain("crew-east");
  expect((await assign("crew-west")).json).toMatchObject({ state: "assigned", unitIds: ["west"] });
});

test("the stream tells of the account's own cases and nodes, also after a pause, and of nothing else", async () => {
  const west = await as("dispatcher", "west");
  const whole = await as("dispatcher");
  const seen: Record<"west" | "whole" | "again", { name: string; unit?: string | undefined }[]> = {
    west: [],
    whole: [],
    again: [],
  };
  const unitsOf = (data: unknown) => (data as { case?: { unitIds?: string[] } }).case?.unitIds?.[0];
  const listen = (client: ApiClient, into: keyof typeof seen, headers: Record<string, string> = {}) =>
    client.events(({ name, data }) => seen[into].push({ name, unit: unitsOf(data) }), headers);
  const streams = [await listen(west, "west"), await listen(whole, "whole")];
  for (const street of STREETS) {
    const path = `/api/v1/cases/${has[street]["cases"]}/acts`;
    const note = { act: "note", cause: "for the stream" };
    expect((await whole.post(path, note, { "idempotency-key": `note-${street}-0` })).status).toBe(200);
  }
  await vi.waitFor(() => expect(seen.whole.map(({ unit }) => unit)).toEqual(expect.arrayContaining(["east", "west"])), {
    timeout: 20_000,
  });
  await vi.waitFor(() => expect(seen.west.map(({ unit }) => unit)).toContain("west"), { timeout: 20_000 });
  expect(seen.west.filter(({ name, unit }) => name !== "welcome" && unit !== "west")).toEqual([]);
  streams.push(await listen(west, "again", { "last-event-id": "0" }));
  await vi.waitFor(() => expect(seen.again.filter(({ name }) => name === "case").length).toBeGreaterThan(1), {
    timeout: 20_000,
  });
  expect(seen.again.filter(({ name, unit }) => name !== "welcome" && unit !== "west")).toEqual([]);
  for (const stream of streams) stream.close();
});

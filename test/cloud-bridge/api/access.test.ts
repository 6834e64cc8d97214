import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { saveSite } from "../../../cloud-bridge/fleet/sites.ts";
import { ROLES } from "../../../cloud-bridge/roster/accounts.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

let authority: Authority;
let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  authority = await makeTestAuthority();
  api = await startTestApi(authority);
});
afterAll(() => api.close());

const ALL = "admin operator dispatcher supervisor crew viewer";
const EVERYONE_BUT_CREW = "admin operator dispatcher supervisor viewer";

/** Method, path and who gets in; a body that its schema refuses shows that the role was let through. */
const MATRIX: readonly [string, string, string][] = [
  ["GET", "/session", ALL],
  ["GET", "/nodes", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1/health?fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/fleet/summary", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1/audit", "admin operator supervisor"],
  ["POST", "/bindings", "admin operator"],
  ["GET", "/nodes/n1/accounting", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1/accounting/r1", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1/levels?device=a&fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["POST", "/nodes/n1/live", EVERYONE_BUT_CREW],
  ["GET", "/cameras", EVERYONE_BUT_CREW],
  ["POST", "/nodes/n1/cameras/gate/watch", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1/cameras/gate/still", EVERYONE_BUT_CREW],
  ["POST", "/nodes/n1/cameras/gate/live", EVERYONE_BUT_CREW],
  ["POST", "/nodes/n1/cameras/gate/case", "admin dispatcher supervisor"],
  ["POST", "/nodes/n1/commands", "admin operator dispatcher supervisor"],
  ["GET", "/nodes/n1/commands", "admin operator dispatcher supervisor"],
  ["POST", "/nodes/n1/commands/k1/cancel", "admin operator dispatcher supervisor"],
  ["GET", "/nodes/n1/commands/k1", "admin operator dispatcher supervisor"],
  ["GET", "/config-schema", "admin operator"],
  ["GET", "/nodes/n1/config", "admin operator supervisor"],
  ["GET", "/nodes/n1/config/desired", "admin operator supervisor"],
  ["PUT", "/nodes/n1/config/desired", "admin operator"],
  ["GET", "/nodes/n1/config/in-force", "admin operator supervisor"],
  ["GET", "/nodes/n1/config/diff", "admin operator supervisor"],
  ["GET", "/nodes/n1/config/history", "admin operator supervisor"],
  ["POST", "/nodes/n1/config/check", "admin operator"],
  ["POST", "/nodes/n1/config/apply", "admin operator"],
  ["POST", "/nodes/n1/config/revert", "admin operator"],
  ["POST", "/nodes/n1/config/ask", "admin operator"],
  ["GET", "/rollouts", "admin operator supervisor"],
  ["POST", "/rollouts", "admin operator"],
  ["GET", "/rollouts/n1", "admin operator supervisor"],
  ["POST", "/rollouts/n1/stop", "admin operator"],
  ["GET", "/notices", "admin operator dispatcher supervisor"],
  ["GET", "/notices/backlog", "admin operator dispatcher supervisor"],
  ["POST", "/notices/1/retry", "admin operator dispatcher supervisor"],
  ["POST", "/nodes", "admin operator"],
  ["POST", "/nodes/n1/revoke", "admin operator"],
  ["GET", "/alarms", "admin dispatcher operator supervisor viewer"],
  ["GET", "/cases", "admin dispatcher supervisor viewer crew"],
  ["GET", "/cases/case-1", "admin dispatcher supervisor viewer crew"],
  ["GET", "/cases/case-1/evidence-bundle", "admin dispatcher supervisor viewer"],
  ["GET", "/evidence/e1/bundle", "admin dispatcher supervisor viewer"],
  ["GET", "/evidence/e1/parts/levels", "admin dispatcher supervisor viewer crew"],
  ["POST", "/cases/case-1/acts", "admin dispatcher supervisor"],
  ["POST", "/assignments/a1/acts", "admin dispatcher crew"],
  ["POST", "/assignments/a1/photos", "admin dispatcher crew"],
  ["POST", "/reports", "admin dispatcher supervisor crew"],
  ["GET", "/reports", "admin dispatcher supervisor viewer"],
  ["GET", "/reports/r-1", "admin dispatcher supervisor viewer"],
  ["POST", "/reports/r-1/acts", "admin dispatcher supervisor"],
  ["POST", "/whistles", "admin dispatcher supervisor"],
  ["GET", "/whistles", "admin dispatcher supervisor viewer"],
  ["GET", "/whistles/n1", "admin dispatcher supervisor viewer"],
  ["POST", "/whistles/n1/acts", "admin dispatcher supervisor"],
  ["POST", "/whistle-legs/n1/acts", "admin dispatcher supervisor"],
  ["GET", "/inhibitions", EVERYONE_BUT_CREW],
  ["POST", "/inhibitions", "admin operator dispatcher supervisor"],
  ["DELETE", "/inhibitions/n1", "admin operator dispatcher supervisor"],
  ["GET", "/catalogues", ALL],
  ["GET", "/catalogues/current", ALL],
  ["GET", "/catalogues/shao-default/v-1", ALL],
  ["POST", "/catalogues", "admin"],
  ["GET", "/sites", ALL],
  ["GET", "/sites/s1", ALL],
  ["POST", "/sites", "admin operator"],
  ["GET", "/devices", EVERYONE_BUT_CREW],
  ["GET", "/units", ALL],
  ["POST", "/units", "admin operator"],
  ["GET", "/units/u1", ALL],
  ["DELETE", "/units/u1", "admin operator"],
  ["GET", "/crews", ALL],
  ["POST", "/crews", "admin operator dispatcher"],
  ["GET", "/crews/crew-1", EVERYONE_BUT_CREW],
  ["DELETE", "/crews/crew-1", "admin operator dispatcher"],
  ["GET", "/people", "admin operator dispatcher supervisor"],
  ["POST", "/people", "admin operator dispatcher"],
  ["GET", "/people/p1", "admin operator dispatcher supervisor"],
  ["GET", "/shifts", EVERYONE_BUT_CREW],
  ["POST", "/shifts", "admin operator dispatcher"],
  ["GET", "/shifts/s1", EVERYONE_BUT_CREW],
  ["DELETE", "/shifts/s1", "admin operator dispatcher"],
  ["GET", "/filings", "admin operator dispatcher supervisor crew"],
  ["POST", "/filings", "admin operator dispatcher crew"],
  ["GET", "/filings/f1", "admin operator dispatcher supervisor crew"],
  ["POST", "/filings/f1/end", "admin operator dispatcher crew"],
  ["GET", "/supervision", "admin operator dispatcher supervisor"],
  ["POST", "/crews/crew-1/position", "crew"],
  ["GET", "/rosters", EVERYONE_BUT_CREW],
  ["GET", "/rosters/d1", EVERYONE_BUT_CREW],
  ["GET", "/calendars", EVERYONE_BUT_CREW],
  ["POST", "/calendars", "admin operator"],
  ["GET", "/calendars/c1", EVERYONE_BUT_CREW],
  ["GET", "/calendars/c1/due?startMs=0&clock=working&minutes=5", EVERYONE_BUT_CREW],
  ["GET", "/analysis/response?fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/analysis/outcomes?fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/analysis/highs?fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/analysis/warnings?fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/analysis/meters?fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/nodes/n1/hours?device=a&fromMs=0&toMs=1", EVERYONE_BUT_CREW],
  ["GET", "/sources", "admin"],
  ["POST", "/sources", "admin"],
  ["POST", "/sources/s1/revoke", "admin"],
  ["GET", "/permits", EVERYONE_BUT_CREW],
  ["POST", "/permits", "admin operator supervisor"],
  ["GET", "/permits/p1", EVERYONE_BUT_CREW],
  ["POST", "/permits/p1/revoke", "admin operator supervisor"],
  ["POST", "/rosters", "admin operator dispatcher"],
  ["DELETE", "/rosters/d1", "admin operator dispatcher"],
];

test("each role gets in where it may and nowhere else", async () => {
  for (const role of ROLES) {
    const client = await api.as(role);
    for (const [method, path, allowed] of MATRIX) {
      const { status, json } = await client.ask(`/api/v1${path}`, {
        method,
        ...(method === "GET" || method === "DELETE" ? {} : { body: {} }),
      });
      const isIn = status !== 403 && status !== 401;
      expect(isIn, `${role} ${method} ${path}: ${status}`).toBe(allowed.split(" ").includes(role));
      if (!isIn) expect(json).toMatchObject({ code: "ROLE_REFUSED", hint: expect.any(String) });
    }
  }
});

test("without a session nothing answers but what is for anyone", async () => {
  for (const [method, path] of MATRIX) {
    const { status, json } = await api
      .client()
      .ask(`/api/v1${path}`, { method, ...(method === "GET" || method === "DELETE" ? {} : { body: {} }) });
    expect([status, json], `${method} ${path}`).toMatchObject([401, { code: "SIGNED_OUT" }]);
  }
});

test("the matrix and /openapi.json name the same routes, and every route is described", async () => {
  const { json } = await api.client().ask("/openapi.json");
  const { paths } = json as { paths: Record<string, Record<string, { summary?: string }>> };
  const described = Object.entries(paths)
    .filter(([path]) => path.startsWith("/api/v1/"))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const tested = MATRIX.map(([method, path]) => {
    const plain = path
      .split("?")[0]
      ?.replace(/\/(n|case-|a|crew-|d|e|u|f|p|c|s|r-)[0-9]+(?=\/|$)/u, "/{id}")
      .replace(/parts\/levels$/u, "parts/{part}")
      .replace(/\/r1$/u, "/{run}")
      .replace(/\/1\/retry$/u, "/{id}/retry")
      .replace(/\/k1(?=$|\/cancel)/u, "/{command}")
      .replace(/cameras\/gate(?=\/)/u, "cameras/{camera}")
      .replace(/shao-default\/v-1$/u, "{name}/{version}");
    return `${method} /api/v1${plain}`;
  });
  const open = [
    "POST /api/v1/session",
    "DELETE /api/v1/session",
    "POST /api/v1/welcome",
    "POST /api/v1/enroll",
    "GET /api/v1/events",
  ];
  expect(described.sort()).toEqual([...tested, ...open].sort());
  for (const methods of Object.values(paths))
    for (const { summary } of Object.values(methods)) expect(summary).toBeTruthy();
});

test("a page of another origin may not act, whatever its cookie", async () => {
  const client = await api.as("admin");
  const body = { id: "x", name: "X", level: "city" };
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "", "sec-fetch-site": "cross-site" },
    { origin: client.origin, "sec-fetch-site": "cross-site" },
    { origin: client.origin.replace("https:", "http:") },
    { origin: "", "sec-fetch-site": "" },
    { origin: "", "sec-fetch-site": "", "x-csrf-token": "guessed" },
  ];
  for (const headers of foreign) {
    const { status, json } = await client.post("/api/v1/units", body, headers);
    expect([status, json], JSON.stringify(headers)).toMatchObject([403, { code: "ORIGIN_REFUSED" }]);
  }
  expect((await client.post("/api/v1/units", body)).status).toBe(200);
});

test("a program without an origin shows the session's token", async () => {
  const client = await api.as("admin");
  const { headers } = await client.ask("/api/v1/session");
  const shown = { origin: "", "sec-fetch-site": "", "x-csrf-token": String(headers["x-csrf-token"]) };
  expect((await client.post("/api/v1/units", { id: "y", name: "Y", level: "city" }, shown)).status).toBe(200);
});

test("what a foreign form can send without asking is no request of ours", async () => {
  const client = await api.as("admin");
  const headers = { "content-type": "text/plain" };
  const { status, json } = await client.ask("/api/v1/units", { method: "POST", body: '{"id":"z"}', headers });
  expect([status, json]).toMatchObject([415, { code: "MEDIA_TYPE_REFUSED" }]);
});

test("an oversized body is refused with a hint", async () => {
  const client = await api.as("admin");
  const { status, json } = await client.post("/api/v1/units", { id: "x", name: "x".repeat(70_000), level: "city" });
  expect([status, json]).toMatchObject([413, { code: "BODY_OVERSIZED", hint: expect.any(String) }]);
});

test("what does not fit its schema is told by place; what is not there, too", async () => {
  const client = await api.as("admin");
  const answers = [
    await client.post("/api/v1/units", { id: "X!", name: "X", level: "city" }),
    await client.post("/api/v1/units", "{broken"),
    await client.ask("/api/v1/nodes?limit=0"),
    await client.ask("/api/v1/nodes?cursor=%00"),
    await client.ask("/api/v1/nothing"),
    await client.ask("/api/v1/nodes/n1"),
  ];
  expect(answers.map(({ status, json }) => [status, (json as { code: string }).code])).toEqual([
    [400, "REQUEST_INVALID"],
    [400, "REQUEST_INVALID"],
    [400, "REQUEST_INVALID"],
    [400, "CURSOR_INVALID"],
    [404, "NOT_FOUND"],
    [404, "NODE_UNKNOWN"],
  ]);
  for (const { headers } of answers) expect(headers["content-type"]).toContain("application/problem+json");
});

test("lists come in pages that meet without a gap", async () => {
  const client = await api.as("viewer");
  const site = (id: string) => ({ id, name: `Site ${id}`, timeZone: "Asia/Shanghai" });
  for (const id of ["b", "a", "c"]) await saveSite(api.store.db, site(id), 0);
  const ids: string[] = [];
  let cursor = "";
  do {
    const { json } = await client.ask(`/api/v1/sites?limit=2${cursor}`);
    const page = json as { items: { id: string }[]; next?: string };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next === undefined ? "" : `&cursor=${page.next}`;
  } while (cursor !== "");
  expect(ids).toEqual(["a", "b", "c"]);
});

test("an act needs a key, and the desk is told which", async () => {
  const client = await api.as("dispatcher");
  const path = "/api/v1/cases/case-1/acts";
  const note = { act: "note", cause: "called the site" };
  const before = api.desk.calls.length;
  expect((await client.post(path, note)).json).toMatchObject({ code: "IDEMPOTENCY_KEY_MISSING" });
  expect((await client.post(path, note, { "idempotency-key": "no spaces in it" })).status).toBe(400);
  expect((await client.post(path, note, { "idempotency-key": "0f9c2a5e-key-1" })).status).toBe(200);
  expect(api.desk.calls.slice(before)).toEqual(["case-1 note 0f9c2a5e-key-1"]);
});

test("a crew reports positions of its own crew only", async () => {
  const client = await api.as("crew", { crewId: "crew-7" });
  const position = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
  expect((await client.post("/api/v1/crews/crew-7/position", position)).status).toBe(204);
  expect((await client.post("/api/v1/crews/crew-8/position", position)).json).toMatchObject({ code: "CREW_FOREIGN" });
});

test("answers carry the headers that keep a browser safe", async () => {
  const { headers } = await api.client().ask("/");
  expect(headers["content-security-policy"]).toContain("default-src 'self'");
  expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(headers["x-content-type-options"]).toBe("nosniff");
});

test("plain HTTP is not answered", async () => {
  await expect(fetch(api.url.replace("https:", "http:"))).rejects.toThrow();
  const old = connect({ port: Number(new URL(api.url).port), ca: authority.caPem, maxVersion: "TLSv1.1" });
  await expect(
    new Promise((resolve, reject) => old.once("secureConnect", resolve).once("error", reject)),
  ).rejects.toThrow();
});

test("metrics are for the scraper's token and for accounts; health is for anyone and tells of refusals", async () => {
  expect((await api.client().ask("/metrics")).status).toBe(401);
  expect((await api.client().ask("/metrics", { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
  const scraped = await api
    .client()
    .ask("/metrics", { headers: { authorization: "Bearer scraper-token-of-this-test" } });
  expect(scraped.text).toContain('shao_bridge_mqtt_refused_total{reason="oversized"} 3');
  expect((await (await api.as("viewer")).ask("/metrics")).status).toBe(200);
  expect((await (await api.as("crew")).ask("/metrics")).status).toBe(401);
  expect((await api.client().ask("/health")).json).toMatchObject({ store: "well", connectionsRefused: 3 });
});

test("without a built console its address says how to build it", async () => {
  const { text, status } = await api.client().ask("/desk");
  expect([status, text]).toEqual([200, expect.stringContaining("scripts/setup")]);
});

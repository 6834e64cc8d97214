import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

let api: Awaited<ReturnType<typeof startTestApi>>;
let admin: ApiClient;
beforeAll(async () => {
  api = await startTestApi(await makeTestAuthority());
  admin = await api.as("admin");
  const outline = [
    { latitudeDeg: 39.9, longitudeDeg: 116.44 },
    { latitudeDeg: 39.9, longitudeDeg: 116.48 },
    { latitudeDeg: 39.94, longitudeDeg: 116.46 },
  ];
  for (const unit of [
    { id: "beijing", name: "b 北京市", level: "city" },
    { id: "chaoyang", name: "a 朝阳区", level: "district", parentId: "beijing" },
    {
      id: "hujialou",
      name: "d 呼家楼街道",
      level: "street",
      parentId: "chaoyang",
      areas: [{ kind: "polygon", outline }],
    },
    { id: "jianwai", name: "c 建外街道", level: "street", parentId: "chaoyang" },
    { id: "haidian", name: "e 海淀区", level: "district", parentId: "beijing" },
  ]) {
    expect((await admin.post("/api/v1/units", unit)).json).toEqual(unit);
  }
});
afterAll(() => api.close());

async function all(path: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  do {
    const { json } = await admin.ask(`/api/v1/${path}&limit=2${cursor}`);
    const page = json as { items: { id: string }[]; next?: string };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next === undefined ? "" : `&cursor=${page.next}`;
  } while (cursor !== "");
  return ids;
}

test("a register is filtered and sorted, and its pages meet in every order", async () => {
  expect(await all("units?sort=name")).toEqual(["chaoyang", "beijing", "jianwai", "hujialou", "haidian"]);
  expect(await all("units?sort=-name")).toEqual(["haidian", "hujialou", "jianwai", "beijing", "chaoyang"]);
  expect(await all("units?sort=level")).toEqual(["beijing", "chaoyang", "haidian", "hujialou", "jianwai"]);
  expect(await all("units?level=street")).toEqual(["hujialou", "jianwai"]);
  expect(await all("units?under=chaoyang&sort=-id")).toEqual(["jianwai", "hujialou", "chaoyang"]);
  expect(await all("units?latitudeDeg=39.91&longitudeDeg=116.46")).toEqual(["hujialou"]);
  const { json } = await admin.ask("/api/v1/units?limit=2&sort=name");
  const { next } = json as { next: string };
  const other = await admin.ask(`/api/v1/units?limit=2&sort=-name&cursor=${next}`);
  expect([other.status, other.json]).toMatchObject([400, { code: "CURSOR_INVALID" }]);
  expect((await admin.ask("/api/v1/units?sort=colour")).status).toBe(400);
});

test("who has an answer already is told so in no bytes, and an edit of what others changed is refused", async () => {
  const path = "/api/v1/units/jianwai";
  const { headers, json } = await admin.ask(path);
  const etag = String(headers["etag"]);
  const again = await admin.ask(path, { headers: { "if-none-match": etag } });
  expect([again.status, again.text, again.headers["etag"]]).toEqual([304, "", etag]);
  expect((await admin.ask(path, { headers: { "if-none-match": `W/"x", ${etag}` } })).status).toBe(304);
  const list = await admin.ask("/api/v1/units");
  const listed = { headers: { "if-none-match": String(list.headers["etag"]) } };
  expect((await admin.ask("/api/v1/units", listed)).status).toBe(304);

  const unit = json as { id: string; name: string; level: string };
  const named = await admin.post("/api/v1/units", { ...unit, phone: "010-65001234" }, { "if-match": etag });
  expect([named.status, named.json]).toMatchObject([200, { phone: "010-65001234" }]);
  const late = await admin.post("/api/v1/units", { ...unit, name: "lost update" }, { "if-match": etag });
  expect([late.status, late.json]).toMatchObject([412, { code: "PRECONDITION_FAILED", hint: expect.any(String) }]);
  expect(late.headers["content-type"]).toContain("application/problem+json");
  const twice = await admin.post("/api/v1/units", unit, { "if-none-match": "*" });
  expect([twice.status, twice.json]).toMatchObject([412, { code: "PRECONDITION_FAILED" }]);
  const removal = { method: "DELETE", headers: { "if-match": etag } };
  expect((await admin.ask(path, removal)).status).toBe(412);
  const fresh = String((await admin.ask(path)).headers["etag"]);
  expect((await admin.ask(path, { method: "DELETE", headers: { "if-match": fresh } })).status).toBe(204);
  expect((await admin.ask(path)).json).toMatchObject({ code: "UNIT_UNKNOWN" });
  expect((await admin.ask(listed ? "/api/v1/units" : "", listed)).status).toBe(200);
});

test("whoever has left is in no crew any more, and stands in the way of no change of it", async () => {
  const person = { id: "wang", name: "Wang Fang", unitId: "hujialou" };
  const crew = { id: "crew-1", name: "Crew 1", unitId: "hujialou", memberIds: ["wang"] };
  for (const [path, body] of [
    ["people", person],
    ["crews", crew],
    ["people", { ...person, leftAtMs: 1000 }],
  ] as const) {
    expect((await admin.post(`/api/v1/${path}`, body)).status).toBe(200);
  }
  const { json } = await admin.ask("/api/v1/crews/crew-1");
  expect(json).not.toHaveProperty("memberIds");
  expect((await admin.post("/api/v1/crews", { ...(json as object), phone: "65005678" })).status).toBe(200);
});

test("a permit is recorded once however often its request comes, and is revoked by name", async () => {
  const site = { id: "block-7", name: "Block 7", time_zone: "Asia/Shanghai", source: "operator", created_at_ms: 0 };
  await api.store.db.insertInto("sites").values(site).execute();
  const permit = { siteId: "block-7", number: "2026-CY-0117", fromMs: 1000, toMs: 2000, rules: ["night-noise"] };
  const key = { "idempotency-key": "permit-0117-a" };
  const made = await admin.post("/api/v1/permits", permit, key);
  const again = await admin.post("/api/v1/permits", permit, key);
  expect([made.status, again.status, again.text]).toEqual([201, 201, made.text]);
  const other = await admin.post("/api/v1/permits", { ...permit, toMs: 3000 }, key);
  expect([other.status, other.json]).toMatchObject([422, { code: "IDEMPOTENCY_KEY_REUSED" }]);
  expect((await admin.post("/api/v1/permits", { ...permit, siteId: "nowhere" })).json).toMatchObject({
    code: "SITE_UNKNOWN",
  });
  expect((await admin.post("/api/v1/permits", { ...permit, toMs: 1000 })).json).toMatchObject({ code: "PERMIT_EMPTY" });
  const { id } = made.json as { id: string };
  expect(await all("permits?siteId=block-7&toMs=1500")).toEqual([id]);
  const aheadMs = Date.now() + 60_000;
  const ahead = { siteId: "block-7", number: "2026-CY-0118", fromMs: aheadMs, toMs: aheadMs + 60_000 };
  const { json: later } = await admin.post("/api/v1/permits", ahead);
  const timers = api.store.db.selectFrom("timers").select(["ref", "due_at_ms"]).where("kind", "=", "permit");
  expect(await timers.execute()).toEqual([{ ref: (later as { id: string }).id, due_at_ms: aheadMs }]);
  expect(await all("permits?fromMs=2000&toMs=3000")).toEqual([]);
  const revoked = await admin.post(`/api/v1/permits/${id}/revoke`, { cause: "not the works that it names" });
  expect(revoked.json).toMatchObject({ id, number: "2026-CY-0117", revokeCause: "not the works that it names" });
  expect((await admin.post(`/api/v1/permits/${id}/revoke`, { cause: "again" })).status).toBe(409);
  expect([await all("permits?sort=number"), await all("permits?revoked=true")]).toEqual([
    [(later as { id: string }).id],
    [id, (later as { id: string }).id],
  ]);
  expect((await admin.ask(`/api/v1/permits/${id}`)).json).toEqual(revoked.json);
});

test("a calendar is loaded from the file that is shipped, in versions, and says when something is due", async () => {
  const file = readFileSync(new URL("../../../config/calendars/china-2026.json", import.meta.url), "utf8");
  const startMs = Date.parse("2026-09-30T17:00:00+08:00");
  const due = async (query: string) =>
    (await admin.ask(`/api/v1/calendars/default/due?startMs=${startMs}&${query}`)).json;
  expect(await due("clock=working&minutes=120")).toMatchObject({
    version: 0,
    dueAtMs: Date.parse("2026-10-01T10:00:00+08:00"),
  });
  const loaded = await admin.post("/api/v1/calendars", file);
  expect([loaded.status, loaded.json]).toMatchObject([201, { id: "default", version: 1, name: "China 2026" }]);
  expect(await due("clock=working&minutes=120")).toEqual({
    calendar: "default",
    version: 1,
    dueAtMs: Date.parse("2026-10-08T10:00:00+08:00"),
    workingMinutes: 120,
  });
  expect(await due("clock=working-days&days=2&version=0")).toMatchObject({
    dueAtMs: Date.parse("2026-10-02T18:00:00+08:00"),
  });
  expect(await due("clock=working-days&minutes=2")).toMatchObject({ code: "TERM_INCOMPLETE" });
  const { headers } = await admin.ask("/api/v1/calendars/default");
  const ifMatch = { "if-match": String(headers["etag"]) };
  expect((await admin.post("/api/v1/calendars", file, ifMatch)).json).toMatchObject({ version: 2 });
  expect((await admin.post("/api/v1/calendars", file, ifMatch)).status).toBe(412);
  const broken = { ...(JSON.parse(file) as object), week: {} };
  expect((await admin.post("/api/v1/calendars", broken)).json).toMatchObject({ code: "CALENDAR_INVALID" });
  expect(await all("calendars?sort=name")).toEqual(["default"]);
});

test("people, crews, shifts, duties and filings are entered, filed and found over the API", async () => {
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const { status, json } = await admin.post(`/api/v1/${path}`, body, headers);
    expect([status, json], path).toMatchObject([path === "rosters" || path === "filings" ? 201 : 200, {}]);
    return json as { id: string };
  };
  const wang = { id: "wang", name: "王", unitId: "hujialou", radioIssi: "1001", authority: ["noise", "0*"] };
  expect(await post("people", wang)).toEqual(wang);
  await post("people", { id: "zhao", name: "赵", unitId: "chaoyang" });
  const crew = { id: "crew-1", name: "一组", unitId: "hujialou", memberIds: ["wang"], skills: ["noise-meter"] };
  expect(await post("crews", crew)).toEqual(crew);
  await post("shifts", { id: "night", unitId: "hujialou", name: "夜班", starts: "22:00", ends: "06:00" });
  const key = { "idempotency-key": "duty-2026-12-01" };
  const duty = await post("rosters", { crewId: "crew-1", shiftId: "night", date: "2026-12-01" }, key);
  expect((await post("rosters", { crewId: "crew-1", shiftId: "night", date: "2026-12-01" }, key)).id).toBe(duty.id);
  const filing = {
    crewId: "crew-1",
    toMs: Date.now() + 3600_000,
    people: [{ personId: "wang" }],
    vehicleNode: "car-1",
  };
  const own = await api.as("crew", { crewId: "crew-1" });
  const filed = await own.post("/api/v1/filings", filing);
  expect([filed.status, filed.json]).toMatchObject([201, { people: [{ name: "王", radioIssi: "1001" }] }]);
  const { id } = filed.json as { id: string };
  const foreign = await api.as("crew", { crewId: "crew-2" });
  for (const answer of [
    await foreign.post("/api/v1/filings", filing),
    await foreign.ask(`/api/v1/filings/${id}`),
    await foreign.post(`/api/v1/filings/${id}/end`, undefined),
  ]) {
    expect([answer.status, answer.json]).toMatchObject([403, { code: "CREW_FOREIGN" }]);
  }
  expect((await foreign.ask("/api/v1/filings")).json).toEqual({ items: [] });

  expect(await all("people?category=0101")).toEqual(["wang"]);
  expect(await all("people?under=chaoyang&sort=-name")).toEqual(
    ["赵", "王"]
      .toSorted()
      .reverse()
      .map((name) => (name === "王" ? "wang" : "zhao")),
  );
  expect(await all("rosters?shiftId=night&sort=-fromMs")).toEqual([duty.id]);
  expect(await all("shifts?unitId=jianwai")).toEqual([]);
  expect(await all("filings?current=true&vehicleNode=car-1")).toEqual([id]);
  expect(await all("filings?radioIssi=1002")).toEqual([]);
  const removal = (await admin.ask("/api/v1/crews/crew-1", { method: "DELETE" })).json;
  expect(removal).toMatchObject({ code: "CREW_IN_USE" });
  expect((await own.post(`/api/v1/filings/${id}/end`, undefined)).json).toMatchObject({ endedBy: expect.any(String) });
  expect(await all("filings?current=true&vehicleNode=car-1")).toEqual([]);
  expect(await all("supervision?open=true")).toEqual([]);
});

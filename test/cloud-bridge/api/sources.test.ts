import { beforeAll, expect, test } from "vitest";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { deskRig, SITE } from "../../fakes/desk-rig.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

let authority: Authority;
beforeAll(async () => {
  authority = await makeTestAuthority();
});

async function system(of: object = {}) {
  const rig = await deskRig();
  const api = await startTestApi(authority, { of: rig });
  const admin = await api.as("admin");
  const wanted = { name: "Hotline", source: "hotline", channels: ["order"], ...of };
  const made = await admin.post("/api/v1/sources", wanted);
  const { source, token } = made.json as { source: { id: string }; token: string };
  const program = api.client();
  const bearer = { authorization: `Bearer ${token}`, origin: "", "sec-fetch-site": "" };
  const ask = (path: string, body?: unknown, more: Readonly<Record<string, string>> = {}) =>
    program.ask(`/api/v1${path}`, {
      headers: { ...bearer, ...more },
      ...(body === undefined ? {} : { method: "POST", body }),
    });
  let external = 0;
  const report = (more: object = {}) => {
    external += 1;
    const what = { source: "hotline", externalId: `e-${external}`, channel: "order", title: "Drilling" };
    return ask("/reports", { ...what, position: SITE, ...more });
  };
  return { rig, api, admin, made, id: source.id, token, ask, report };
}

test("a system with a token hands in and follows reports of its own source and nothing else", async () => {
  const { rig, api, admin, made, ask, report, token } = await system();
  expect(made.status).toBe(201);
  const taken = await report();
  expect(taken.status).toBe(201);
  const { id, caseId } = taken.json as { id: string; caseId: string };
  const { timeline } = await rig.desk.views.caseDetail(caseId);
  expect(timeline[0]).toMatchObject({ actor: "source:Hotline" });
  const codes = [
    await report({ source: "other" }),
    await report({ channel: "citizen" }),
    await ask("/cases"),
    await ask(`/cases/${caseId}`),
    await ask("/sources"),
    await ask("/units", { id: "x", name: "X", level: "city" }),
  ].map(({ status, json }) => [status, (json as { code: string }).code]);
  expect(codes).toEqual([
    ...[
      [403, "SOURCE_FOREIGN"],
      [403, "SOURCE_FOREIGN"],
    ],
    ...[
      [401, "SIGNED_OUT"],
      [401, "SIGNED_OUT"],
      [401, "SIGNED_OUT"],
      [401, "SIGNED_OUT"],
    ],
  ]);
  const patrol = { source: "patrol", externalId: "1", channel: "patrol", title: "A stall", position: SITE };
  const foreign = (await admin.post("/api/v1/reports", patrol)).json as { id: string };
  const listed = (await ask("/reports?source=patrol")).json as { items: { id: string }[] };
  expect(listed.items.map((item) => item.id)).toEqual([id]);
  expect((await ask(`/reports/${foreign.id}`)).json).toMatchObject({ code: "SOURCE_FOREIGN" });
  const key = { "idempotency-key": "0f9c2a5e-key-1" };
  expect((await ask(`/reports/${id}/acts`, { act: "supplement", cause: "again" }, key)).status).toBe(200);
  expect((await ask(`/reports/${foreign.id}/acts`, { act: "supplement", cause: "x" }, key)).status).toBe(403);
  expect((await ask(`/reports/${id}/acts`, { act: "call-back", isResolved: true }, key)).status).toBe(403);
  const kept = JSON.stringify([await rig.db.selectFrom("source_tokens").selectAll().execute(), made.json]);
  expect(kept.split(token.slice(20)).length - 1, "the secret stands in the answer alone").toBe(1);
  await api.close();
});

test("a token with a unit reports for it and what stands below it", async () => {
  const { rig, api, admin, report } = await system();
  await putUnit(rig.db, { id: "west", name: "West", level: "district" });
  await putUnit(rig.db, { id: "west-street", name: "W", level: "street", parentId: "west" });
  const made = await admin.post("/api/v1/sources", { name: "West", source: "west", unitId: "west" });
  const { token } = made.json as { token: string };
  const headers = { authorization: `Bearer ${token}`, origin: "", "sec-fetch-site": "" };
  const send = async (externalId: string, more: object) => {
    const body = { source: "west", externalId, channel: "order", title: "A hole", ...more };
    const { status, json } = await api.client().ask("/api/v1/reports", { method: "POST", body, headers });
    if (status !== 201) return status;
    const { caseId } = json as { caseId: string };
    return (await rig.desk.views.caseDetail(caseId)).case.unitId;
  };
  expect(await send("1", {})).toBe("west");
  expect(await send("2", { unitId: "west-street" })).toBe("west-street");
  expect(await send("3", { unitId: "street" })).toBe(403);
  expect((await report({ unitId: "street" })).status).toBe(201);
  await api.close();
});

test("a token is refused beyond its rate, after its end, and from the moment that it is revoked, and the audit says who did", async () => {
  const { rig, api, admin, id, ask, report } = await system({ perMinute: 3 });
  const statuses: number[] = [];
  while (statuses.length < 20 && statuses.at(-1) !== 429) statuses.push((await ask("/reports")).status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
  expect(statuses.at(-1)).toBe(429);
  const revoked = await admin.post(`/api/v1/sources/${id}/revoke`, undefined);
  expect(revoked.json).toMatchObject({ id, revokedBy: expect.stringContaining("admin") });
  expect((await report()).json).toMatchObject({ code: "SOURCE_REFUSED", status: 401 });
  const over = await admin.post("/api/v1/sources", { name: "Over", source: "over", expiresAtMs: 1 });
  expect(over.json).toMatchObject({ code: "SOURCE_INVALID" });
  const soon = await admin.post("/api/v1/sources", { name: "Soon", source: "soon", expiresAtMs: Date.now() + 60_000 });
  await rig.db.updateTable("source_tokens").set({ expires_at_ms: 1 }).where("name", "=", "Soon").execute();
  const headers = {
    authorization: `Bearer ${(soon.json as { token: string }).token}`,
    origin: "",
    "sec-fetch-site": "",
  };
  expect((await api.client().ask("/api/v1/reports", { headers })).status).toBe(401);
  const entries = await rig.db.selectFrom("audit").select(["action", "target"]).orderBy("at_ms").execute();
  const own = entries.filter((entry) => entry.target === id).map(({ action }) => action);
  expect(own).toEqual(["source.add", "source.revoke"]);
  await api.close();
});

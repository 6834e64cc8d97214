import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeAccounting, RunRange } from "../../../cloud-bridge/api/schema/fleet.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { fingerprintOf } from "../../../cloud-bridge/fleet/certificates.ts";
import { admit } from "../../../cloud-bridge/fleet/enrolment.ts";
import { enroll } from "../../../gateway/identity/enroll.ts";
import { readIdentity, writeIdentity } from "../../../gateway/identity/identity-files.ts";
import type { HealthBody } from "../../../protocol/bodies.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

let authority: Authority;
let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  authority = await makeTestAuthority();
  api = await startTestApi(authority);
});
afterAll(() => api.close());

test("a box enrols with the token of `POST /nodes`; the same token does not work twice", async () => {
  const operator = await api.as("operator");
  const { json, status } = await operator.post("/api/v1/nodes", { node: "site-042" });
  const { token, command } = json as { token: string; command: string };
  expect([status, command]).toEqual([201, `shao enroll ${api.url} ${token}`]);
  const identity = await enroll(api.url, token);
  expect(identity).toMatchObject({ node: "site-042", bridge: api.store.bridge, mqttUrl: "mqtts://127.0.0.1:8883" });
  expect(await admit(api.store.db, "site-042", fingerprintOf(identity.certificatePem))).toBe("admitted");
  const folder = mkdtempSync(join(tmpdir(), "shao-identity-"));
  writeIdentity(folder, identity);
  expect(readIdentity(folder)).toMatchObject({ node: "site-042" });
  await expect(enroll(api.url, token)).rejects.toMatchObject({ code: "ENROL_REFUSED" });
});

test("a box that was told another CA does not even show its token", async () => {
  const operator = await api.as("operator");
  const { json } = await operator.post("/api/v1/nodes", { node: "site-043" });
  const { token } = json as { token: string };
  const forged = `${token.split(".")[0]}.${"0".repeat(32)}`;
  await expect(enroll(api.url, forged)).rejects.toMatchObject({ code: "ENROL_CA_MISMATCH" });
  await enroll(api.url, token);
});

test("revoking cuts the connection and bars the certificate", async () => {
  const operator = await api.as("operator");
  const { json } = await operator.post("/api/v1/nodes", { node: "site-044" });
  const identity = await enroll(api.url, (json as { token: string }).token);
  api.link.connected.add("site-044");
  expect((await operator.post("/api/v1/nodes/site-044/revoke", {})).status).toBe(204);
  expect(api.link.connected.has("site-044")).toBe(false);
  expect(await admit(api.store.db, "site-044", fingerprintOf(identity.certificatePem))).toBe("node-revoked");
  expect((await operator.ask("/api/v1/nodes/site-044")).json).toMatchObject({ revokedAtMs: expect.any(Number) });
});

test("a node's custody is the sum of its runs", async () => {
  const [one, two] = ["a".repeat(22), "b".repeat(22)];
  const times = { first_received_ms: 1, last_received_ms: 2 };
  const fine = {
    node: "site-045",
    declared: "[]",
    reasons: "{}",
    declared_count: 0,
    shed_quota: 0,
    shed_corrupt: 0,
    ...times,
  };
  await api.store.db.insertInto("nodes").values({ id: "site-045", created_at_ms: 1 }).execute();
  await api.store.db
    .insertInto("runs")
    .values([
      {
        node: "site-045",
        run: one,
        head: 10,
        stored: "[[1,6]]",
        declared: "[[7,8]]",
        reasons: '{"quota":[[7,7]],"corrupt":[[8,8]]}',
        listed: 1,
        stored_count: 6,
        declared_count: 2,
        shed_quota: 1,
        shed_corrupt: 1,
        gaps: 2,
        ...times,
      },
      { ...fine, run: two, head: 5, stored: "[[1,3]]", listed: 0, stored_count: 3, gaps: 2 },
      { ...fine, run: "c".repeat(22), head: 5, stored: "[[1,5]]", listed: 1, stored_count: 5, gaps: 0 },
    ])
    .execute();
  const viewer = await api.as("viewer");
  const { json } = await viewer.ask("/api/v1/nodes/site-045/accounting");
  expect(json).toMatchObject({
    total: { expected: 20, stored: 14, declared: 2, outstanding: 2, unexplained: 2, quarantined: 0 },
    settled: { runs: 1, stored: 5, declared: 0 },
  });
  expect(json).toMatchObject({ total: { shed: { quota: 1, expired: 0, corrupt: 1, undecodable: 0 } } });
  const { runs } = json as { runs: { run: string }[] };
  expect(runs.find(({ run }) => run === one)).toMatchObject({ outstanding: [[9, 10]], unexplained: [] });
  expect(runs.find(({ run }) => run === two)).toMatchObject({ outstanding: [], unexplained: [[4, 5]] });

  const open = (await viewer.ask("/api/v1/nodes/site-045/accounting?which=open&limit=1")).json as NodeAccounting;
  expect(open.runs.map(({ run }) => run)).toEqual([one]);
  expect(open.runs[0]?.strip).toBe("ssssssddoo");
  const rest = await viewer.ask(`/api/v1/nodes/site-045/accounting?which=open&limit=1&cursor=${open.next}`);
  expect(rest.json).toMatchObject({ runs: [{ run: two }] });
  expect(rest.json).not.toHaveProperty("next");

  const ranges = await viewer.ask(`/api/v1/nodes/site-045/accounting/${one}?limit=3`);
  const { items, next } = ranges.json as { items: RunRange[]; next: string };
  expect(items.map(({ state, from, to }) => [state, from, to])).toEqual([
    ["stored", 1, 6],
    ["quota", 7, 7],
    ["corrupt", 8, 8],
  ]);
  const last = (await viewer.ask(`/api/v1/nodes/site-045/accounting/${one}?limit=3&cursor=${next}`)).json;
  expect(last).toEqual({ items: [{ state: "outstanding", from: 9, to: 10 }] });
  expect((await viewer.ask(`/api/v1/nodes/site-045/accounting/${"z".repeat(22)}`)).json).toMatchObject({
    status: 404,
    code: "RUN_UNKNOWN",
  });
});

test("the scraper sees what is outstanding and unexplained, by node, and the queue that the node itself tells of", async () => {
  const health: HealthBody = {
    rssBytes: 9e7,
    cpuPct: 2,
    journalBytes: 4e6,
    unsentRecords: 10,
    oldestUnsentMs: 61_500,
    laneDepth: [0, 1, 2, 3, 4],
    missedPolls: 0,
    eventLoopDelayP99Ms: 4,
    devices: {},
  };
  await api.store.db
    .updateTable("nodes")
    .set({ health: JSON.stringify(health) })
    .where("id", "=", "site-045")
    .execute();
  const viewer = await api.as("viewer");
  const { text } = await viewer.ask("/metrics");
  for (const line of [
    "shao_fleet_records_outstanding 2",
    'shao_records_outstanding{node="site-045"} 2',
    'shao_records_unexplained{node="site-045"} 2',
    'shao_node_lane_depth{node="site-045",lane="4"} 4',
    'shao_node_oldest_unsent_seconds{node="site-045"} 61.5',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("all nodes come in pages", async () => {
  const viewer = await api.as("viewer");
  const first = (await viewer.ask("/api/v1/nodes?limit=2")).json as { items: { id: string }[]; next: string };
  const second = (await viewer.ask(`/api/v1/nodes?limit=2&cursor=${first.next}`)).json as { items: { id: string }[] };
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual([
    "site-042",
    "site-043",
    "site-044",
    "site-045",
  ]);
});

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { fingerprintOf } from "../../../cloud-bridge/fleet/certificates.ts";
import { admit } from "../../../cloud-bridge/fleet/enrolment.ts";
import { enroll } from "../../../gateway/identity/enroll.ts";
import { readIdentity, writeIdentity } from "../../../gateway/identity/identity-files.ts";
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
  await api.store.db.insertInto("nodes").values({ id: "site-045", created_at_ms: 1 }).execute();
  await api.store.db
    .insertInto("runs")
    .values([
      { node: "site-045", run: one, head: 10, stored: "[[1,6]]", declared: "[[7,8]]", listed: 1, ...times },
      { node: "site-045", run: two, head: 5, stored: "[[1,3]]", declared: "[]", listed: 0, ...times },
    ])
    .execute();
  const viewer = await api.as("viewer");
  const { json } = await viewer.ask("/api/v1/nodes/site-045/accounting");
  expect(json).toMatchObject({
    total: { expected: 15, stored: 9, declared: 2, outstanding: 2, unexplained: 2, quarantined: 0 },
  });
  const { runs } = json as { runs: { run: string }[] };
  expect(runs.find(({ run }) => run === one)).toMatchObject({ outstanding: [[9, 10]], unexplained: [] });
  expect(runs.find(({ run }) => run === two)).toMatchObject({ outstanding: [], unexplained: [[4, 5]] });
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

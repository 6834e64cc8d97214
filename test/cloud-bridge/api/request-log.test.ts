import { expect, test } from "vitest";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

test("the log of a request that was not answered names its path, and nothing of what it asked with", async () => {
  const log = new QuietLog();
  const api = await startTestApi(await makeTestAuthority(), { log });
  const client = await api.as("viewer");
  await api.store.db.schema.dropTable("sessions").execute();
  const { status } = await client.ask("/api/v1/nodes?api_key=a-key-of-this-test");
  expect(status).toBe(500);
  const told = log.lines.filter(({ sentence }) => sentence === "request not answered");
  expect(told).toMatchObject([{ level: "error", fields: { path: "/api/v1/nodes" } }]);
  expect(JSON.stringify(log.lines)).not.toContain("a-key-of-this-test");
  await api.close();
});

import { createPublicKey } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { commandKeyId } from "../../../cloud-bridge/fleet/authority.ts";
import { commandFault } from "../../../protocol/command-signature.ts";
import type { Command } from "../../../protocol/session.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

interface Heard {
  readonly name: string;
  readonly id?: string;
  readonly data: unknown;
}

let authority: Authority;
let api: Awaited<ReturnType<typeof startTestApi>>;
const open: { close(): void }[] = [];
beforeAll(async () => {
  authority = await makeTestAuthority();
  api = await startTestApi(authority);
});
afterAll(async () => {
  for (const stream of open) stream.close();
  await api.close();
});

async function follow(client: ApiClient, headers: Readonly<Record<string, string>> = {}) {
  const heard: Heard[] = [];
  const stream = await client.events((event) => heard.push(event), headers);
  open.push(stream);
  await vi.waitFor(() => expect(heard[0]?.name).toBe("welcome"));
  const welcome = heard[0]?.data as { client: string } | undefined;
  return { heard, stream, name: welcome?.client ?? "" };
}

async function tell(name: string, data: object): Promise<void> {
  await api.store.db
    .insertInto("events")
    .values({ name, data: JSON.stringify(data), at_ms: 1 })
    .execute();
  api.hub.wake();
}

const numbers = (heard: readonly Heard[]) => heard.filter(({ id }) => id !== undefined).map(({ data }) => data);

test("events arrive in order, once, and a reader that comes back misses none", async () => {
  const viewer = await api.as("viewer");
  const first = await follow(viewer);
  for (let n = 1; n <= 3; n += 1) await tell("case", { n });
  await vi.waitFor(() => expect(numbers(first.heard)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]));
  const lastId = first.heard.at(-1)?.id ?? "";
  first.stream.close();
  await Promise.all([4, 5, 6].map((n) => tell("case", { n })));
  const second = await follow(viewer, { "last-event-id": lastId });
  await vi.waitFor(() => expect(numbers(second.heard)).toHaveLength(3));
  await tell("case", { n: 7 });
  await vi.waitFor(() => expect(numbers(second.heard)).toEqual([{ n: 4 }, { n: 5 }, { n: 6 }, { n: 7 }]));
});

test("many events at once reach a stream that is being woken all the time", async () => {
  const { heard } = await follow(await api.as("viewer"));
  const rows = Array.from({ length: 1200 }, (_, n) => ({ name: "case", data: JSON.stringify({ n }), at_ms: 1 }));
  for (let i = 0; i < rows.length; i += 100) {
    await api.store.db
      .insertInto("events")
      .values(rows.slice(i, i + 100))
      .execute();
    api.hub.wake();
  }
  await vi.waitFor(() => expect(numbers(heard)).toEqual(rows.map((_, n) => ({ n }))), { timeout: 5000 });
});

test("a number of another database begins at the present", async () => {
  const { heard } = await follow(await api.as("viewer"), { "last-event-id": "999999999" });
  await tell("case", { fresh: true });
  await vi.waitFor(() => expect(numbers(heard)).toEqual([{ fresh: true }]));
});

test("a crew hears of its own assignments only", async () => {
  const { heard } = await follow(await api.as("crew", { crewId: "crew-1" }));
  await tell("case", { case: { id: "c1" } });
  await tell("assignment", { assignment: { crewId: "crew-2" }, case: {} });
  await tell("assignment", { assignment: { crewId: "crew-1" }, case: {} });
  await tell("case", { case: { id: "c2", assignment: { crewId: "crew-1" } } });
  await vi.waitFor(() => expect(numbers(heard)).toHaveLength(2));
  expect(numbers(heard)).toEqual([
    { assignment: { crewId: "crew-1" }, case: {} },
    { case: { id: "c2", assignment: { crewId: "crew-1" } } },
  ]);
  api.hub.presence({ node: "n1", presence: { transport: "connected", devices: [] } });
  expect(heard.some(({ name }) => name === "presence")).toBe(false);
});

test("presence reaches a desk at once and without a number", async () => {
  const { heard } = await follow(await api.as("operator"));
  api.hub.presence({ node: "n1", presence: { transport: "connected", devices: [] } });
  await vi.waitFor(() =>
    expect(heard.at(-1)).toEqual({
      name: "presence",
      data: { node: "n1", presence: { transport: "connected", devices: [] } },
    }),
  );
});

test("a live lease sends the node a signed command, and its levels come to that stream only", async () => {
  const viewer = await api.as("viewer");
  const watching = await follow(viewer);
  const other = await follow(await api.as("viewer"));
  const lease = { client: watching.name, device: "noise-01" };
  expect((await viewer.post("/api/v1/nodes/n1/live", lease)).json).toMatchObject({ code: "NODE_NOT_CONNECTED" });
  api.link.connected.add("n1");
  expect((await viewer.post("/api/v1/nodes/n1/live", { ...lease, client: other.name })).json).toMatchObject({
    code: "STREAM_UNKNOWN",
  });
  expect((await viewer.post("/api/v1/nodes/n1/live", lease)).status).toBe(200);
  const [topic, text] = api.link.sent.at(-1) ?? [];
  const command = JSON.parse(text ?? "") as Command;
  expect([topic, command.kind, command.args["device"]]).toEqual(["shao/n1/down", "live", "noise-01"]);
  const keys = new Map([[commandKeyId(authority.commandKeyPem), createPublicKey(authority.commandKeyPem)]]);
  expect(commandFault(command, { node: "n1", keys, reachedMs: Date.now() })).toBeUndefined();
  api.leases.level("n1", "noise-02", { atMs: 1, levelDb: 50, flags: [] });
  api.leases.level("n1", "noise-01", { atMs: 2, levelDb: 61.5, flags: [] });
  await vi.waitFor(() =>
    expect(watching.heard.at(-1)).toEqual({
      name: "live",
      data: { node: "n1", device: "noise-01", level: { atMs: 2, levelDb: 61.5, flags: [] } },
    }),
  );
  expect(other.heard.some(({ name }) => name === "live")).toBe(false);
});

test("nobody opens more streams than one account can need", async () => {
  const viewer = await api.as("viewer");
  for (let n = 0; n < 32; n += 1) await follow(viewer);
  await expect(follow(viewer)).rejects.toThrow("429");
});

test("without a session there is no stream", async () => {
  await expect(follow(api.client())).rejects.toThrow("401");
});

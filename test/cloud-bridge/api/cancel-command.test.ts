import { createPublicKey } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandView } from "../../../cloud-bridge/api/schema/commands.ts";
import { applyResult } from "../../../cloud-bridge/dispatch/command-rows.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { commandFault } from "../../../protocol/command-signature.ts";
import type { Command } from "../../../protocol/session.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

let authority: Authority;
let api: Awaited<ReturnType<typeof startTestApi>>;
let operator: ApiClient;
beforeAll(async () => {
  authority = await makeTestAuthority();
  api = await startTestApi(authority);
  operator = await api.as("operator");
  await api.store.db.insertInto("nodes").values({ id: "n1", created_at_ms: 1 }).execute();
});
afterAll(() => api.close());

const order = async (kind: string, key: string) =>
  (await operator.post("/api/v1/nodes/n1/commands", { kind }, { "idempotency-key": key })).json as CommandView;
const cancel = (id: string, who = operator) => who.post(`/api/v1/nodes/n1/commands/${id}/cancel`, {});

test("an order that never left is taken back: it is not sent when the node comes, and the audit names who", async () => {
  const { id, state } = await order("restart", "key-of-the-first");
  expect(state).toBe("waiting");
  expect((await cancel(id)).json).toMatchObject({ state: "cancelled", cancelledBy: expect.any(String) });
  expect((await cancel(id)).json).toMatchObject({ state: "cancelled" });
  api.link.connected.add("n1");
  await api.commands.resend("n1");
  await api.commands.tick();
  expect(api.link.sent).toEqual([]);
  const audited = await api.store.db.selectFrom("audit").selectAll().where("action", "=", "command.cancel").execute();
  expect(audited).toMatchObject([{ target: "n1", detail: JSON.stringify({ command: id }) }]);
  api.link.connected.delete("n1");
});

test("of one on its way the node is asked by a signed command, and its word decides", async () => {
  api.link.connected.add("n1");
  const { id } = await order("diagnostics", "key-of-the-second");
  expect((await cancel(id)).json).toMatchObject({ state: "cancelling" });
  const [, asked] = api.link.sent.splice(0).map(([, text]) => JSON.parse(text) as Command);
  expect(asked).toMatchObject({ kind: "cancel", node: "n1", args: { command: id, kind: "diagnostics" } });
  const keys = new Map([[asked?.keyId ?? "", createPublicKey(authority.commandKeyPem)]]);
  expect(asked && commandFault(asked, { node: "n1", keys, reachedMs: 0 })).toBeUndefined();

  const answer = (code: string) =>
    applyResult(api.store.db as never, "n1", { commandId: id, ok: false, code }, Date.now());
  await answer("COMMAND_CANCELLED");
  expect((await operator.ask(`/api/v1/nodes/n1/commands/${id}`)).json).toMatchObject({ state: "cancelled" });
  const { items } = (await operator.ask("/api/v1/nodes/n1/commands")).json as { items: CommandView[] };
  expect(items.map(({ kind }) => kind)).toEqual(["diagnostics", "restart"]);

  const done = await order("restart", "key-of-the-third");
  await applyResult(api.store.db as never, "n1", { commandId: done.id, ok: true }, Date.now());
  expect((await cancel(done.id)).json).toMatchObject({ code: "COMMAND_OVER" });
});

test("who may not order may not take back", async () => {
  api.link.connected.delete("n1");
  const restart = await order("restart", "key-of-the-fifth");
  const dispatcher = await api.as("dispatcher");
  expect((await cancel(restart.id, dispatcher)).status).toBe(403);
  expect((await cancel("nothing")).json).toMatchObject({ code: "COMMAND_UNKNOWN" });
});

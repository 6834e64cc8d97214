import { expect, onTestFinished, test } from "vitest";
import type { NodeAccounting, NodeView } from "../../../cloud-bridge/api/schema/fleet.ts";
import { siteOf } from "../../../cloud-bridge/fleet/site-of.ts";
import { enroll } from "../../../gateway/identity/enroll.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { PaperNode } from "../../fakes/paper-node.ts";
import { signInBy, startTestBridge } from "../../fakes/running-bridge.ts";

const SITE = { name: "Guanghua Road block 7", latitudeDeg: 39.912, longitudeDeg: 116.456 };

async function world() {
  const bridge = await startTestBridge();
  onTestFinished(() => bridge.close());
  const operator = await signInBy(bridge, bridge.adminLink ?? "");
  const box = async (id: string) => {
    const { json } = await operator.post("/api/v1/nodes", { node: id });
    const node = new PaperNode(await enroll(bridge.url, (json as { token: string }).token));
    await node.connect();
    onTestFinished(() => node.leave());
    return node;
  };
  return { bridge, operator, box };
}

interface Binding {
  readonly node: string;
  readonly device: string;
  readonly siteId?: string;
  readonly fromMs: number;
  readonly toMs?: number;
}
const bindings = async (operator: ApiClient, node: string) =>
  ((await operator.ask(`/api/v1/devices?node=${node}`)).json as { items: Binding[] }).items;

test("a lost box is replaced under its id: the old one is out, site, history and bindings stay, and nothing is unexplained", async () => {
  const { bridge, operator, box } = await world();
  const old = await box("site-042");
  await old.introduce(SITE);
  const [before] = await bindings(operator, "site-042");
  const nowMs = Date.now();
  await operator.post("/api/v1/nodes/site-042/revoke", {});
  await old.leave();
  await expect(old.connect()).rejects.toMatchObject({ code: "BROKER_REFUSED" });

  const fresh = await box("site-042");
  await fresh.introduce(SITE);
  const { json } = await operator.ask("/api/v1/nodes/site-042");
  expect(json).toMatchObject({ siteId: "site-042", presence: { transport: "connected" } });
  expect((json as NodeView).revokedAtMs).toBeUndefined();
  expect(await bindings(operator, "site-042")).toEqual([{ ...before, state: expect.any(String) }]);
  const levels = await operator.ask(
    `/api/v1/nodes/site-042/levels?device=noise-01&fromMs=${nowMs - 3_600_000}&toMs=${nowMs}`,
  );
  expect((levels.json as { minutes: unknown[] }).minutes.length).toBeGreaterThanOrEqual(10);
  const books = (await operator.ask("/api/v1/nodes/site-042/accounting")).json as NodeAccounting;
  expect(books.runs).toHaveLength(2);
  expect(books.total).toMatchObject({ unexplained: 0, outstanding: 0 });
  expect(bridge.url).toMatch(/^https/);
});

test("a box with a name of its own takes another one's place: from then on its meter counts for the site, before stays before", async () => {
  const { bridge, operator, box } = await world();
  await (await box("site-042")).introduce(SITE);
  const fresh = await box("box-77");
  await fresh.introduce({ ...SITE, name: "in the workshop" });
  const beganMs = (await bindings(operator, "box-77"))[0]?.fromMs ?? 0;
  await new Promise((resolve) => setTimeout(resolve, 20));
  const fromMs = Date.now();
  const put = (body: object) => operator.post("/api/v1/bindings", { node: "box-77", siteId: "site-042", ...body });
  expect((await put({ fromMs: fromMs + 60_000 })).json).toMatchObject({ code: "BINDING_TIME" });
  expect((await put({ fromMs: beganMs - 1 })).json).toMatchObject({ code: "BINDING_TIME" });
  expect((await put({ device: "nothing" })).json).toMatchObject({ code: "BINDING_NOTHING" });
  expect((await put({ siteId: "nowhere" })).json).toMatchObject({ code: "SITE_UNKNOWN" });
  expect((await put({ fromMs })).status).toBe(200);
  expect((await put({ fromMs })).status).toBe(200);

  expect(await bindings(operator, "box-77")).toMatchObject([
    { siteId: "box-77", fromMs: beganMs, toMs: fromMs },
    { siteId: "site-042", fromMs },
  ]);
  expect((await operator.ask("/api/v1/nodes/box-77")).json).toMatchObject({ siteId: "site-042" });
  const at = (ms: number) => siteOf(bridge.store.db as never, "box-77", "noise-01", ms);
  expect([await at(fromMs - 1), await at(fromMs)]).toEqual(["box-77", "site-042"]);
  // What the box says of its site at its next start does not undo it.
  await fresh.introduce({ ...SITE, name: "in the workshop" });
  expect((await operator.ask("/api/v1/nodes/box-77")).json).toMatchObject({ siteId: "site-042" });
  expect(await at(Date.now())).toBe("site-042");
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DesiredConfigView, RolloutView, TwinView } from "../../../cloud-bridge/api/schema/twins.ts";
import { applyResult } from "../../../cloud-bridge/dispatch/command-rows.ts";
import { noteReported } from "../../../cloud-bridge/fleet/reported-config.ts";
import { contentHash } from "../../../protocol/document/content-hash.ts";
import { parseDocumentText } from "../../../protocol/document/parse-document.ts";
import type { Command } from "../../../protocol/session.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

const SAMPLE = readFileSync(join(import.meta.dirname, "../../../config/site.yaml"), "utf8");
const hash = (text: string): string => contentHash(parseDocumentText(text).root);

let api: Awaited<ReturnType<typeof startTestApi>>;
let operator: ApiClient;
beforeAll(async () => {
  api = await startTestApi(await makeTestAuthority());
  operator = await api.as("operator");
});
afterAll(() => api.close());

const sampleOf = (node: string): string => SAMPLE.replaceAll("site-042", node);
const view = async (node: string): Promise<TwinView> =>
  (await operator.ask(`/api/v1/nodes/${node}/config`)).json as TwinView;
const put = (node: string, document: string, headers = {}) =>
  operator.ask(`/api/v1/nodes/${node}/config/desired`, { method: "PUT", body: { document }, headers });
const apply = (node: string) => operator.post(`/api/v1/nodes/${node}/config/apply`, { holdS: 2 });

/** A node that is connected, and says what a node says. */
async function nodeNamed(node: string) {
  await operator.post("/api/v1/nodes", { node });
  api.link.connected.add(node);
  const { db } = api.store;
  const ofIt = (): Command[] =>
    api.link.sent.filter(([topic]) => topic === `shao/${node}/down`).map(([, text]) => JSON.parse(text) as Command);
  const report = (sha256: string, more: object = {}) =>
    db
      .transaction()
      .execute((trx) =>
        noteReported(trx, node, { sha256, source: "file", lastGood: sha256, isTrial: false, ...more }, Date.now()),
      );
  const answer = (body: { ok: boolean; code?: string; message?: string; value?: unknown }) =>
    db
      .transaction()
      .execute((trx) => applyResult(trx, node, { commandId: ofIt().at(-1)?.id ?? "", ...body }, Date.now()));
  return { orders: ofIt, report, answer };
}

test("a config is said, shown as a difference, sent, tried and confirmed", async () => {
  const node = "twin-a";
  const { orders, report, answer } = await nodeNamed(node);
  const site = sampleOf(node);
  await report(hash(site));
  expect(await view(node)).toMatchObject({
    state: "unmanaged",
    reported: { sha256: hash(site), lastGood: hash(site) },
  });
  expect((await apply(node)).json).toMatchObject({ code: "CONFIG_UNKNOWN" });

  // The box is asked for what it has, which comes without its secrets.
  await operator.post(`/api/v1/nodes/${node}/config/ask`, undefined);
  expect(orders().at(-1)).toMatchObject({ kind: "config", args: { read: true } });
  const { deflateRawSync } = await import("node:zlib");
  const deflated = deflateRawSync(site).toString("base64");
  await answer({ ok: true, value: { sha256: hash(site), source: "file", deflated } });
  expect((await operator.ask(`/api/v1/nodes/${node}/config/in-force`)).json).toMatchObject({ document: site });

  const lower = site.replace("limitDb: 70.0", "limitDb: 68");
  const said = await put(node, lower, { "if-none-match": "*" });
  expect(said.json).toMatchObject({ revision: 1, sha256: hash(lower), createdBy: expect.stringContaining("operator") });
  expect(await view(node)).toMatchObject({ state: "draft", desired: { revision: 1 } });
  expect((await operator.ask(`/api/v1/nodes/${node}/config/diff`)).json).toEqual({
    changes: [{ path: "rules.night-noise.limitDb", from: 70, to: 68 }],
  });

  expect((await apply(node)).json).toMatchObject({ state: "sent", command: { state: "sent" } });
  expect((await apply(node)).json).toMatchObject({ state: "sent" });
  expect(orders().filter(({ args }) => args["document"] !== undefined)).toMatchObject([
    { kind: "config", node, args: { revision: 1, sha256: hash(lower), document: lower, holdS: 2 } },
  ]);
  await report(hash(lower), { source: "bridge", isTrial: true, lastGood: hash(site), revision: 1 });
  expect((await view(node)).state).toBe("trying");
  await answer({ ok: true, value: { state: "applied", sha256: hash(lower), revision: 1 } });
  expect(await view(node)).toMatchObject({
    state: "in-sync",
    reported: { isTrial: false, lastGood: hash(lower) },
    command: { state: "done" },
  });

  // Nothing goes out for what is there; an edit on the box is shown.
  const sent = orders().length;
  expect((await apply(node)).json).toMatchObject({ state: "in-sync" });
  expect(orders().length).toBe(sent);
  await report(hash(site), { revision: 1 });
  expect((await view(node)).state).toBe("drift");
  // Applied again it goes out under a new number, since the box takes each only once.
  await apply(node);
  expect(orders().at(-1)?.args["revision"]).toBe(2);
  // Its text is nowhere but where configs are.
  const listed = (await operator.ask(`/api/v1/nodes/${node}/commands`)).text;
  expect(listed).not.toContain("limitDb");
  const audited = await api.store.db.selectFrom("audit").selectAll().where("target", "=", node).execute();
  expect(JSON.stringify(audited)).not.toContain("limitDb");
  expect(audited.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["config.put", "command.config", "command.result"]),
  );
});

test("what the box refused or took back is shown with its reason, and an earlier one is had again", async () => {
  const node = "twin-b";
  const { orders, report, answer } = await nodeNamed(node);
  const site = sampleOf(node);
  await report(hash(site), { revision: 7 });
  const { revision } = (await put(node, site)).json as DesiredConfigView;
  expect(revision).toBe(8);
  expect((await view(node)).state).toBe("in-sync");
  const lower = site.replace("limitDb: 70.0", "limitDb: 68");
  await put(node, lower);
  await apply(node);
  const message = "answered before and does not answer: noise-01 (silent)";
  await answer({ ok: false, code: "CONFIG_REVERTED", message });
  expect(await view(node)).toMatchObject({ state: "reverted", reason: { code: "CONFIG_REVERTED", message } });
  const back = await operator.post(`/api/v1/nodes/${node}/config/revert`, { revision: 8 });
  expect(back.json).toMatchObject({ state: "in-sync", desired: { revision: 10, note: "as revision 8" } });
  const history = (await operator.ask(`/api/v1/nodes/${node}/config/history?limit=2`)).json as {
    items: DesiredConfigView[];
    next?: string;
  };
  expect(history.items.map((item) => item.revision)).toEqual([10, 9]);
  const rest = await operator.ask(`/api/v1/nodes/${node}/config/history?limit=2&cursor=${history.next}`);
  expect((rest.json as { items: unknown[] }).items).toMatchObject([{ revision: 8 }]);
  expect(orders().length).toBe(1);
});

test("a faulty config, one that somebody changed meanwhile, and one with a secret are refused, with their lines", async () => {
  const node = "twin-c";
  await nodeNamed(node);
  const site = sampleOf(node);
  const faulty = await put(node, site.replace("unit: 1", "unti: 1"));
  expect(faulty).toMatchObject({ status: 422, json: { code: "CONFIG_FAULTS" } });
  expect(faulty.headers["content-type"]).toContain("problem+json");
  const check = await operator.post(`/api/v1/nodes/${node}/config/check`, {
    document: site.replace("unit: 1", "unti: 1"),
  });
  expect(check.json).toMatchObject({ faults: [{ suggestion: "unit", line: expect.any(Number) }] });
  const inChinese = await operator.post(`/api/v1/nodes/${node}/config/check`, {
    ...{ document: site.replace("limitDb: 70", "limitDb: 300"), locale: "zh-CN" },
  });
  expect(inChinese.json).toMatchObject({ faults: [{ message: expect.stringContaining("300 超出范围") }] });
  const camera = `${site}\ncameras: { gate: { url: "rtsp://admin:secret@10.0.0.2/1" } }\n`;
  expect((await put(node, camera)).json).toMatchObject({ detail: expect.stringContaining("secret") });
  expect((await put(node, sampleOf("twin-d"))).json).toMatchObject({ detail: expect.stringContaining("twin-d") });

  await put(node, site);
  const { etag = "" } = (await operator.ask(`/api/v1/nodes/${node}/config/desired`)).headers;
  expect((await put(node, `${site}# a\n`, { "if-match": String(etag) })).status).toBe(200);
  expect(await put(node, `${site}# b\n`, { "if-match": String(etag) })).toMatchObject({
    status: 412,
    json: { code: "PRECONDITION_FAILED" },
  });
  expect((await put("nobody", sampleOf("nobody"))).status).toBe(404);
});

test("only who keeps the fleet changes configs", async () => {
  const node = "twin-e";
  await nodeNamed(node);
  const dispatcher = await api.as("dispatcher");
  const supervisor = await api.as("supervisor");
  expect((await dispatcher.ask(`/api/v1/nodes/${node}/config`)).json).toMatchObject({ code: "ROLE_REFUSED" });
  expect((await supervisor.ask(`/api/v1/nodes/${node}/config`)).status).toBe(200);
  expect((await supervisor.post(`/api/v1/nodes/${node}/config/apply`, {})).status).toBe(403);
  expect((await supervisor.post("/api/v1/rollouts", {})).status).toBe(403);
});

test("a rollout goes on by shares, leaves out who is away, and stops when too many take it back", async () => {
  const names = ["r-1", "r-2", "r-3", "r-4", "r-5"];
  const nodes = new Map<string, Awaited<ReturnType<typeof nodeNamed>>>();
  for (const name of names) {
    const one = await nodeNamed(name);
    await one.report(hash(sampleOf(name)));
    await put(name, sampleOf(name));
    nodes.set(name, one);
  }
  api.link.connected.delete("r-1");
  const patch = { rules: { "night-noise": { limitDb: 68 } } };
  const order = { nodes: names, patch, sharePct: 40, stopAbovePct: 40, holdS: 2 };
  const bad = await operator.post("/api/v1/rollouts", { ...order, patch: { nonsense: 1 } });
  expect(bad.json).toMatchObject({ code: "CONFIG_FAULTS", detail: expect.stringContaining("r-1") });
  const { id } = (await operator.post("/api/v1/rollouts", order)).json as RolloutView;
  const states = async () => {
    await api.rollouts.tick();
    const { json } = await operator.ask(`/api/v1/rollouts/${id}`);
    return (json as RolloutView).nodes.map(({ state }) => state).join(" ");
  };
  expect(await states()).toBe("away trying next next next");
  expect(await states()).toBe("away trying next next next");
  await nodes.get("r-2")?.answer({ ok: true, value: {} });
  expect(await states()).toBe("away applied trying trying next");
  await nodes.get("r-3")?.answer({ ok: false, code: "CONFIG_REVERTED", message: "the meter" });
  await nodes.get("r-4")?.answer({ ok: false, code: "CONFIG_FAULTS", message: "line 1" });
  expect(await states()).toBe("cancelled applied reverted refused next");
  expect((await operator.ask(`/api/v1/rollouts/${id}`)).json).toMatchObject({
    state: "stopped",
    reason: "2 of 4 did not keep it",
  });
  expect(nodes.get("r-5")?.orders()).toEqual([]);

  const second = (await operator.post("/api/v1/rollouts", { ...order, nodes: ["r-5"], stopAbovePct: 0 }))
    .json as RolloutView;
  await api.rollouts.tick();
  await nodes.get("r-5")?.answer({ ok: true, value: {} });
  await api.rollouts.tick();
  expect((await operator.ask(`/api/v1/rollouts/${second.id}`)).json).toMatchObject({ state: "done" });
});

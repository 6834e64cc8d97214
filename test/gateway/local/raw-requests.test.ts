import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import type { LiveView } from "../../../gateway/contracts/live-view.ts";
import { startLocalServer } from "../../../gateway/local/local-server.ts";
import { pageCertificate } from "../../../gateway/local/page/certificate.ts";
import { Door } from "../../../gateway/local/page/door.ts";
import { startPageServer } from "../../../gateway/local/page/page-server.ts";
import type { PageSource } from "../../../gateway/local/page/page-source.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { ODD_TARGETS, statusOf, UPGRADE, visitRaw } from "../../fakes/raw-visitor.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

const GATE = { cameras: [{ id: "gate" }], bytes: { page: 0, bridge: 0 }, watch: () => () => {} } as unknown as LiveView;
const WATCH = ["GET /api/cameras/gate/live HTTP/1.1", "host: box", ...UPGRADE];
const KEY = ["sec-websocket-version: 13", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="];
const head = (...lines: string[]) => [...lines, "", ""].join("\r\n");

async function pageServer(live: () => LiveView = () => GATE, isTls = false) {
  const log = new QuietLog();
  const door = new Door(
    async () => true,
    () => performance.now(),
  );
  const entered = await door.enter("any");
  const cookie = `cookie: shao-box=${"secret" in entered ? entered.secret : ""}`;
  const source = { live } as unknown as PageSource;
  const certificate = isTls ? { certificate: await pageCertificate(temporaryDirectory(), Date.now()) } : {};
  const server = await startPageServer({ host: "127.0.0.1", port: 0, door, source, log, ...certificate });
  onTestFinished(() => server.close());
  return { server, log, cookie };
}

async function healthServer() {
  const unasked = () => Promise.reject(new Error("nobody asked for it"));
  const page = () => "there is no page";
  const server = await startLocalServer({ host: "127.0.0.1", port: 0, health: unasked, metrics: unasked, page });
  onTestFinished(() => server.close());
  return server;
}

const KINDS: [what: string, more: readonly string[]][] = [
  ["a request", []],
  ["an upgrade", UPGRADE],
];

test.each(KINDS)("whatever %s at the page names, it is refused and the gateway runs on", async (_, more) => {
  const { server, log } = await pageServer();
  for (const target of ODD_TARGETS) {
    expect(await statusOf(server.port, target, more), target.slice(0, 40)).toBeOneOf([400, 401, 431]);
  }
  expect(await statusOf(server.port, "/")).toBe(200);
  expect(log.lines).toEqual([]);
});

test.each(KINDS)("whatever %s at the health page names, it is refused and the gateway runs on", async (_, more) => {
  const { port } = await healthServer();
  for (const target of ODD_TARGETS) {
    expect(await statusOf(port, target, more), target.slice(0, 40)).toBeOneOf([400, 404, 431]);
  }
});

test("a fault of live video costs its own connection only, and is in the log", async () => {
  const { server, log, cookie } = await pageServer(() => {
    throw new Error("a fault of ours");
  });
  expect(await statusOf(server.port, "/api/cameras/gate/live", [...UPGRADE, cookie])).toBe(0);
  expect(log.lines).toMatchObject([{ level: "error", fields: { code: "PAGE_FAULT" } }]);
  expect(await statusOf(server.port, "/")).toBe(200);
});

/** Whoever never closes: without a word, in the middle of a request, refused live video, and watching it. */
async function clinging(port: number, isTls: boolean, cookie = "") {
  await visitRaw(port);
  await visitRaw(port, "", isTls);
  await visitRaw(port, "GET / HTTP/1.1\r\nhost:", isTls);
  const refused = await visitRaw(port, head(...WATCH), isTls);
  await vi.waitFor(() => expect(refused.heard()).toMatch(/^HTTP\/1\.1 40[14] /u));
  if (cookie === "") return;
  const viewer = await visitRaw(port, head(...WATCH, ...KEY, cookie), isTls);
  await vi.waitFor(() => expect(viewer.heard()).toMatch(/^HTTP\/1\.1 101 /u));
}

const within = (ms: number, what: Promise<void>) =>
  Promise.race([what.then(() => "closed"), new Promise((resolve) => setTimeout(resolve, ms, "still open"))]);

test.each([false, true])("the page closes at once, whoever clings to it (TLS: %s)", async (isTls) => {
  const { server, cookie } = await pageServer(() => GATE, isTls);
  await clinging(server.port, isTls, cookie);
  expect(await within(2000, server.close())).toBe("closed");
});

test("the health page closes at once, whoever clings to it", async () => {
  const server = await healthServer();
  await clinging(server.port, false);
  expect(await within(2000, server.close())).toBe("closed");
});

test("who is refused live video and does not close takes nobody's place", async () => {
  const { server } = await pageServer();
  for (let n = 0; n < 60; n += 1) {
    const { heard } = await visitRaw(server.port, head(...WATCH));
    await vi.waitFor(() => expect(heard()).toContain(" 401 "), { interval: 2 });
  }
  expect(await statusOf(server.port, "/")).toBe(200);
});

test("who does not begin TLS is let go", async () => {
  const { server } = await pageServer(() => GATE, true);
  const { socket } = await visitRaw(server.port);
  await once(socket, "end");
  expect(await statusOf(server.port, "/", [], true)).toBe(200);
});

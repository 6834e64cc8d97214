import { expect, onTestFinished, test } from "vitest";
import { startLocalServer } from "../../../gateway/local/local-server.ts";
import { Door } from "../../../gateway/local/page/door.ts";
import { startPageServer } from "../../../gateway/local/page/page-server.ts";
import type { PageSource } from "../../../gateway/local/page/page-source.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { ODD_TARGETS, statusOf, UPGRADE } from "../../fakes/raw-visitor.ts";

async function pageServer() {
  const log = new QuietLog();
  const live = () => {
    throw new Error("a fault of ours");
  };
  const door = new Door(
    async () => true,
    () => performance.now(),
  );
  const entered = await door.enter("any");
  const cookie = `cookie: shao-box=${"secret" in entered ? entered.secret : ""}`;
  const source = { live } as unknown as PageSource;
  const server = await startPageServer({ host: "127.0.0.1", port: 0, door, source, log });
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
  const { server, log, cookie } = await pageServer();
  expect(await statusOf(server.port, "/api/cameras/gate/live", [...UPGRADE, cookie])).toBe(0);
  expect(log.lines).toMatchObject([{ level: "error", fields: { code: "PAGE_FAULT" } }]);
  expect(await statusOf(server.port, "/")).toBe(200);
});

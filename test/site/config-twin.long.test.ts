import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, onTestFinished, test, vi } from "vitest";
import type { InForceView, TwinView } from "../../cloud-bridge/api/schema/twins.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { freePort, needRigs, startPymodbus, stopped } from "../fakes/rigs.ts";
import { signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const SOON = { timeout: 60_000, interval: 250 };
const NODE = "site-042";

test("a real box takes a config that works, takes back one whose meter is silent, survives a kill, and shows an edit", {
  timeout: 300_000,
}, async (context) => {
  needRigs(context, "pymodbus");
  const port = await freePort();
  const slave = startPymodbus("tcp", String(port));
  onTestFinished(() => slave.stop());
  const bridge = await startTestBridge();
  onTestFinished(() => bridge.close());
  const operator = await signInBy(bridge, bridge.adminLink ?? "");
  const offered = await operator.post("/api/v1/nodes", { node: NODE });
  const folder = mkdtempSync(join(tmpdir(), "shao-twin-site-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const state = join(folder, "state");
  writeIdentity(state, await enroll(bridge.url, (offered.json as { token: string }).token));
  const file = join(folder, "site.yaml");
  const site = `# By the installer.
node: ${NODE}
timeZone: Asia/Shanghai
time: { source: rtc }
bridge: { url: "${bridge.mqttUrl}" }
state: ${state}
buses: { line: { tcp: "127.0.0.1:${port}", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: line, unit: 1, periodMs: 500, timeoutMs: 200 }
rules: { night: { kind: trigger, device: noise-01, limitDb: 70 } }
`;
  writeFileSync(file, site);

  let log = "";
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, ["cli/shao.js", "gateway", "--config", file], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk;
    });
    onTestFinished(() => stopped(child));
    return child;
  };
  const ended = async (child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once("exit", () => resolve());
    child.kill(signal);
    await promise;
  };
  const view = async () => (await operator.ask(`/api/v1/nodes/${NODE}/config`)).json as TwinView;
  const until = (state: TwinView["state"]) =>
    vi.waitFor(async () => {
      const now = await view();
      expect(now, log.slice(-600)).toMatchObject({ state });
      return now;
    }, SOON);
  const online = () =>
    vi.waitFor(async () => {
      const { json } = await operator.ask(`/api/v1/nodes/${NODE}`);
      expect(json, log.slice(-600)).toMatchObject({
        presence: { transport: "connected", devices: [{ device: "noise-01", state: "online" }] },
      });
    }, SOON);
  const apply = async (document: string, holdS: number) => {
    const put = await operator.ask(`/api/v1/nodes/${NODE}/config/desired`, { method: "PUT", body: { document } });
    expect(put.status, put.text).toBe(200);
    return operator.post(`/api/v1/nodes/${NODE}/config/apply`, { holdS });
  };

  let box = start();
  await online();
  const first = await view();
  expect(first).toMatchObject({ state: "unmanaged", reported: { source: "file", isTrial: false } });
  await operator.post(`/api/v1/nodes/${NODE}/config/ask`, undefined);
  const told = await vi.waitFor(async () => {
    const { json, status } = await operator.ask(`/api/v1/nodes/${NODE}/config/in-force`);
    expect(status).toBe(200);
    return json as InForceView;
  }, SOON);
  expect(told.sha256).toBe(first.reported?.sha256);

  // One that works: tried, kept, and reported.
  const lower = told.document.replace("limitDb: 70", "limitDb: 68");
  await apply(lower, 1);
  const kept = await until("in-sync");
  expect(kept.reported).toMatchObject({ source: "bridge", lastGood: kept.desired?.sha256, isTrial: false });
  expect(readFileSync(file, "utf8")).toBe(site);

  // One whose meter does not answer: taken back, with the reason.
  await online();
  await apply(lower.replace("unit: 1", "unit: 2"), 1);
  const reverted = await until("reverted");
  expect(reverted.reason).toMatchObject({ code: "CONFIG_REVERTED", message: expect.stringContaining("noise-01") });
  expect(reverted.reported).toMatchObject({ sha256: kept.reported?.sha256, isTrial: false });

  // Killed in the middle of a trial.
  await online();
  await apply(lower.replace("limitDb: 68", "limitDb: 69"), 300);
  await until("trying");
  await ended(box, "SIGKILL");
  box = start();
  const killed = await until("reverted");
  expect(killed.reason?.message).toBe("the node ended while it was tried");
  expect(killed.reported).toMatchObject({ sha256: kept.reported?.sha256, source: "bridge", isTrial: false });

  // Wanted again what is in force; a new connection brings nothing a second time.
  await operator.post(`/api/v1/nodes/${NODE}/config/revert`, { revision: kept.desired?.revision });
  await until("in-sync");
  const orders = async () => (await operator.ask(`/api/v1/nodes/${NODE}/commands`)).text;
  const before = await orders();
  await ended(box, "SIGTERM");
  const answered = log.split("command answered").length;
  box = start();
  await online();
  expect(await view()).toMatchObject({ state: "in-sync" });
  expect(await orders()).toBe(before);
  expect(log.split("command answered").length).toBe(answered);

  // Somebody edits the file on the box: it is in force, and seen.
  await ended(box, "SIGTERM");
  writeFileSync(file, site.replace("limitDb: 70", "limitDb: 72"));
  box = start();
  const drift = await until("drift");
  expect(drift.reported).toMatchObject({ source: "file" });
  expect(log).toContain("CONFIG_EDITED_HERE");
  expect(readFileSync(file, "utf8")).toContain("limitDb: 72");
});

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Child } from "../../cli/sim/child.ts";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import type { CaseDetail, CaseView } from "../../cloud-bridge/api/schema/desk.ts";
import type { NoticeView } from "../../cloud-bridge/api/schema/notices.ts";
import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { spanOf, traceOf } from "../../protocol/trace.ts";
import { needRigs, scratchFolder } from "../fakes/rigs.ts";

const SOON = { timeout: 120_000, interval: 250 };
const OPERATIONS = new URL("../../docs/operations.md", import.meta.url);

interface Line {
  readonly from: string;
  readonly msg: string;
  readonly trace?: string;
  readonly [field: string]: unknown;
}

test("one alarm is found under one trace in the log of its box, of the bridge and of the car, and at who was told", {
  timeout: 300_000,
}, async (context) => {
  needRigs(context, "jq");
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const meters = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    units: [1],
    levelAt: () => 85,
  });
  onTestFinished(() => meters.close());
  const told: IncomingHttpHeaders[] = [];
  const city = createServer((request, response) => {
    told.push(request.headers);
    request.resume();
    // The first attempt finds it restarting.
    response.writeHead(told.length === 1 ? 503 : 204).end();
  });
  await new Promise<void>((resolve) => city.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void city.close());
  const secretFile = join(folder.path, "hook.key");
  writeFileSync(secretFile, "a secret of this test, long enough");

  const url = `http://127.0.0.1:${(city.address() as AddressInfo).port}/`;
  const { system, adminToken } = await LocalSystem.create({
    directory: join(folder.path, "state"),
    bridgeConfig: {
      dispatch: { policy: "propose" },
      channels: { webhooks: { city: { url, secretFile, events: ["assignment.assigned"] } } },
    },
  });
  const bridge = await system.startBridge();
  onTestFinished(() => void bridge.stop());
  const admin = await system.signIn(adminToken);
  await admin.call("POST", "/api/v1/units", { id: "street", name: "Street", level: "street" });
  await admin.call("POST", "/api/v1/crews", { id: "crew-1", name: "Crew 1", unitId: "street", vehicleNode: "car-01" });
  system.writeNodeConfig("car-01", { page: { port: 0 } });
  system.writeNodeConfig("site-01", {
    site: { name: "Block 7", timeZone: "Asia/Shanghai", latitudeDeg: 39.912, longitudeDeg: 116.456 },
    buses: { line: { tcp: `127.0.0.1:${meters.port}`, framing: "tcp" } },
    devices: { "noise-01": { driver: "modbus-noise", bus: "line", unit: 1, timeoutMs: 200 } },
    rules: { night: { kind: "trigger", device: "noise-01", byDay: true, raiseWindowS: 3, raiseMinValidS: 2 } },
    levelWatch: { enabled: false },
  });
  const boxes: Child[] = [];
  for (const node of ["car-01", "site-01"]) {
    await system.pair(admin, node);
    boxes.push(system.startNode(node));
  }
  for (const box of boxes) onTestFinished(() => void box.stop());

  const theCase = await vi.waitFor(async () => {
    const { items } = (await admin.call("GET", "/api/v1/cases?limit=100")) as { items: readonly CaseView[] };
    const found = items.find(({ family }) => family === "noise");
    if (found === undefined) throw new Error(boxes.map((box) => box.tail(3).join("\n")).join("\n"));
    return found;
  }, SOON);
  const act = { act: "assign", crewId: "crew-1", cause: "nearest" };
  await admin.call("POST", `/api/v1/cases/${theCase.id}/acts`, act, { "idempotency-key": "send-crew-1" });

  const notices = await vi.waitFor(async () => {
    const { items } = (await admin.call("GET", `/api/v1/notices?caseId=${theCase.id}`)) as { items: NoticeView[] };
    const proven = items.filter(({ state }) => state === "delivered").map(({ channel }) => channel);
    expect(proven.sort(), JSON.stringify(items)).toEqual(["vehicle", "webhook:city"]);
    return items;
  }, SOON);

  const detail = (await admin.call("GET", `/api/v1/cases/${theCase.id}`)) as CaseDetail;
  const trace = detail.alarms[0]?.trace ?? "";
  expect(trace).toMatch(/^[0-9a-f]{32}$/);
  const opened = detail.timeline.find(({ kind }) => kind === "opened");
  expect(traceOf(String(opened?.detail?.["alarmId"]))).toBe(trace);
  expect(new Set(notices.map((notice) => notice.trace))).toEqual(new Set([trace]));
  const hook = notices.find(({ channel }) => channel === "webhook:city");
  expect(told.map(({ traceparent }) => traceparent)).toEqual(
    [1, 2].map((attempt) => `00-${trace}-${spanOf(trace, `notice-${hook?.id}-${attempt}`)}-01`),
  );

  const files = { "site.log": boxes[1], "bridge.log": bridge, "car.log": boxes[0] };
  for (const [file, child] of Object.entries(files)) {
    writeFileSync(join(folder.path, file), `${child?.tail(500).join("\n")}\n`);
  }
  const lines = followed(folder.path, trace);
  expect(lines.map(({ from, msg }) => `${from}: ${msg}`)).toEqual(
    expect.arrayContaining([
      "site: alarm judged",
      "site: alarm recorded",
      "bridge: alarm taken",
      "bridge: alarm opened a case",
      "bridge: crew assigned",
      "bridge: notice planned",
      "bridge: notice not delivered, will retry",
      "bridge: notice sent, its proof is awaited",
      "car: command answered",
      "bridge: notice delivered",
    ]),
  );
  expect(lines.every((line) => line.trace === trace)).toBe(true);
  const ofBox = lines.find(({ msg }) => msg === "alarm recorded");
  expect(lines.find(({ msg }) => msg === "alarm taken")).toMatchObject({ run: ofBox?.["run"], seq: ofBox?.["seq"] });
});

/** The line of the operations guide, as it is written there. */
function followed(folder: string, trace: string): readonly Line[] {
  const [written = ""] = /^jq -cR .*fromjson.*$/mu.exec(readFileSync(OPERATIONS, "utf8")) ?? [];
  expect(written).toContain("site.log bridge.log car.log");
  const { stdout, stderr } = spawnSync("sh", ["-c", written], { cwd: folder, env: { ...process.env, TRACE: trace } });
  expect(stderr.toString()).toBe("");
  return stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { ApiClient } from "../cli/sim/api-client.ts";
import type { Child } from "../cli/sim/child.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import type { Assignment, CaseDetail } from "../cloud-bridge/api/schema/desk.ts";
import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";
import { bareMqttLatencies } from "./bare-mqtt.ts";
import { percentile } from "./percentile.ts";
import { report, rounded } from "./report.ts";

/** Sites far apart, each with its own gateway process, one meter on Modbus TCP, and one crew. */
const SITES = 4;
const SAMPLES = 100;
const LIMIT_MS = 300_000;
/** Loud for the first seconds of each cycle; a site's cycle is out of step with the others'. */
const CYCLE_S = 8;
const LOUD_S = 3;
const METRES_APART_DEG = 0.05;
const ALARM_BYTES = 900;

const directory = mkdtempSync(join(tmpdir(), "shao-latency-"));
const children: Child[] = [];
const stop = new AbortController();
const caseMs: number[] = [];
const crewMs: number[] = [];
process.once("SIGINT", () => stop.abort());
try {
  const { system, adminToken } = await LocalSystem.create({
    directory,
    bridgeConfig: { dispatch: { policy: "auto" } },
  });
  children.push(await system.startBridge(["--log-level", "warn"]));
  const admin = await system.signIn(adminToken);
  await admin.call("POST", "/api/v1/units", { id: "bench", name: "Bench", level: "district" });
  for (let site = 0; site < SITES; site += 1) children.push(await addSite(system, admin, site));
  const untilMs = Date.now() + LIMIT_MS;
  while (crewMs.length < SAMPLES && Date.now() < untilMs && !stop.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    process.stderr.write(`\r${crewMs.length} of ${SAMPLES} alarms `);
  }
  process.stderr.write("\n");
} finally {
  stop.abort();
  await Promise.all(children.map((child) => child.stop()));
  rmSync(directory, { recursive: true, force: true });
}
if (crewMs.length === 0) throw new Error("no alarm reached a crew");
const bare = await bareMqttLatencies({ messages: 1_000, sizeBytes: ALARM_BYTES });
const peerNote = `${crewMs.length} alarms; peer: bare mqtt.js → aedes → mqtt.js, ${ALARM_BYTES} bytes, QoS 1, nothing stored`;
report([
  {
    metric: "alarm raised → crew notified (SSE), p50",
    value: rounded(percentile(crewMs, 50)),
    unit: "ms",
    goal: 15,
    peer: rounded(percentile(bare, 50)),
    limit: null,
    note: peerNote,
  },
  {
    metric: "alarm raised → crew notified (SSE), p99",
    value: rounded(percentile(crewMs, 99)),
    unit: "ms",
    goal: 60,
    peer: rounded(percentile(bare, 99)),
    limit: null,
    note: peerNote,
  },
  {
    metric: "alarm raised → case open, p50",
    value: rounded(percentile(caseMs, 50)),
    unit: "ms",
    goal: null,
    peer: null,
    limit: null,
  },
  {
    metric: "alarm raised → case open, p99",
    value: rounded(percentile(caseMs, 99)),
    unit: "ms",
    goal: null,
    peer: null,
    limit: null,
  },
]);
process.exit(0);

/** One more site with its meter, gateway and crew; the crew's page counts what it hears, and the desk clears the case. */
async function addSite(system: LocalSystem, admin: ApiClient, index: number): Promise<Child> {
  const node = `bench-${index}`;
  const crewId = `crew-${index}`;
  const latitudeDeg = 39.8 + index * METRES_APART_DEG;
  const meter = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    levelAt: (_, atMs) => ((atMs / 1000 + index * (CYCLE_S / SITES)) % CYCLE_S < LOUD_S ? 85 : 45),
  });
  stop.signal.addEventListener("abort", () => void meter.close());
  const windows = { raiseWindowS: 2, raiseMinValidS: 1, clearWindowS: 2, clearMinValidS: 1, sameAlarmS: 0 };
  system.writeNodeConfig(node, {
    site: { name: `Bench ${index}`, timeZone: "Asia/Shanghai", latitudeDeg, longitudeDeg: 116.4 },
    buses: { meter: { tcp: `127.0.0.1:${meter.port}`, framing: "tcp" } },
    devices: { noise: { driver: "modbus-noise", bus: "meter" } },
    rules: { loud: { kind: "trigger", device: "noise", byDay: true, ...windows } },
  });
  await system.pair(admin, node);
  await admin.call("POST", "/api/v1/crews", { id: crewId, name: crewId, unitId: "bench" });
  await admin.call("POST", "/api/v1/rosters", { crewId, fromMs: Date.now() - 60_000, toMs: Date.now() + 3_600_000 });
  const crew = await system.signIn(await system.addAccount(crewId, "crew", crewId));
  const report = () =>
    crew.call("POST", `/api/v1/crews/${crewId}/position`, { latitudeDeg, longitudeDeg: 116.401, atMs: Date.now() });
  await report();
  const reporting = setInterval(() => void report().catch(() => {}), 30_000);
  stop.signal.addEventListener("abort", () => clearInterval(reporting));
  const seen = new Set<string>();
  void crew.events(stop.signal, ({ name, data }) => {
    const atMs = Date.now();
    const { assignment } = data as { assignment?: Assignment };
    if (name !== "assignment" || assignment?.state !== "assigned" || seen.has(assignment.id)) return;
    seen.add(assignment.id);
    void note(admin, assignment, atMs).catch((error: unknown) => {
      if (!stop.signal.aborted) process.stderr.write(`${String(error)}\n`);
    });
  });
  return system.startNode(node, ["--log-level", "warn"]);
}

async function note(admin: ApiClient, { caseId }: Assignment, atMs: number): Promise<void> {
  const detail = (await admin.call("GET", `/api/v1/cases/${caseId}`)) as CaseDetail;
  if (detail.case.family === "noise") {
    const raisedAtMs = Math.min(...detail.alarms.map(({ body }) => body.raisedAtMs));
    crewMs.push(atMs - raisedAtMs);
    caseMs.push(detail.case.openedAtMs - raisedAtMs);
  }
  const act = { act: "false-alarm", cause: "bench: next, please" };
  await admin.call("POST", `/api/v1/cases/${caseId}/acts`, act, { "idempotency-key": caseId });
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Child } from "../cli/sim/child.ts";
import { type LinkProxy, startLinkProxy } from "../cli/sim/link-proxy.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";
import { fillBacklog } from "./bad-link-run.ts";

const NODE = "bench-node";
const LEVELS_A_MINUTE = 60;
const MINUTE_MS = 60_000;
/** After a whole minute its record is on its way; then the next is measured. */
const SETTLED_MS = 20_000;
const DRAINED_WITHIN_MS = 300_000;

/** Bytes that a counting proxy between node and broker forwarded: TLS with its handshake, MQTT, receipts, everything. */
export interface WireCost {
  readonly levels: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

interface Site extends AsyncDisposable {
  readonly system: LocalSystem;
  readonly proxy: LinkProxy;
  readonly database: Database.Database;
  start(config: Readonly<Record<string, unknown>>): void;
}

async function startSite(): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), "shao-wire-"));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const { system, adminToken } = await LocalSystem.create({ directory });
  const children: Child[] = [];
  stack.defer(async () => void (await Promise.all(children.map((child) => child.stop()))));
  children.push(await system.startBridge(["--log-level", "warn"]));
  await system.pair(await system.signIn(adminToken), NODE);
  const proxy = stack.use(await startLinkProxy({ to: { host: "127.0.0.1", port: system.mqttPort } }));
  const database = new Database(join(system.bridgeState, "bridge.sqlite"), { readonly: true });
  stack.defer(() => void database.close());
  return {
    system,
    proxy,
    database,
    start: (config) => {
      system.writeNodeConfig(NODE, config, proxy.port);
      children.push(system.startNode(NODE, ["--log-level", "warn"]));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A backlog of noise minutes, from the first byte of the first connection until all is committed at the bridge. */
export async function backlogCost(minutes: number): Promise<WireCost> {
  await using site = await startSite();
  await fillBacklog(site.system.nodeState(NODE), minutes);
  site.start({ site: { name: "Bench", timeZone: "Asia/Shanghai" } });
  const stored = site.database.prepare("select count(*) as count from inbox where kind = 'noise'");
  const untilMs = performance.now() + DRAINED_WITHIN_MS;
  while ((stored.get() as { count: number }).count < minutes) {
    if (performance.now() > untilMs) throw new Error("the backlog did not arrive in time");
    await wait(100);
  }
  await wait(1000);
  return { levels: minutes * LEVELS_A_MINUTE, upBytes: site.proxy.bytes.up, downBytes: site.proxy.bytes.down };
}

/** One meter, whole minutes of a quiet session: its record each minute, the node's health, and all that keeps the line alive. */
export async function liveCost(minutes: number, say: (text: string) => void): Promise<WireCost> {
  await using meter = await startMeter();
  await using site = await startSite();
  site.start({
    site: { name: "Bench", timeZone: "Asia/Shanghai", latitudeDeg: 39.9, longitudeDeg: 116.4 },
    buses: { meter: { tcp: `127.0.0.1:${meter.port}`, framing: "tcp" } },
    devices: { noise: { driver: "modbus-noise", bus: "meter" } },
    rules: { night: { kind: "trigger", device: "noise", limitDb: 120, clearDb: 110 } },
  });
  // The first minute holds the handshake, the hello and the first health.
  const nextMs = Math.ceil((Date.now() + MINUTE_MS) / MINUTE_MS) * MINUTE_MS + SETTLED_MS;
  await wait(nextMs - Date.now());
  const before = { ...site.proxy.bytes };
  for (let minute = 1; minute <= minutes; minute += 1) {
    await wait(nextMs + minute * MINUTE_MS - Date.now());
    const { up, down } = site.proxy.bytes;
    say(`minute ${minute}: ${up - before.up} bytes up, ${down - before.down} down`);
  }
  const { up, down } = site.proxy.bytes;
  return { levels: minutes * LEVELS_A_MINUTE, upBytes: up - before.up, downBytes: down - before.down };
}

async function startMeter(): Promise<AsyncDisposable & { readonly port: number | undefined }> {
  const levelAt = (unit: number, atMs: number) => 55 + 6 * Math.sin(atMs / 7000 + unit) + 3 * (Math.random() - 0.5);
  const meter = await startNoiseSimulator({ listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" }, levelAt });
  return { port: meter.port, [Symbol.asyncDispose]: () => meter.close() };
}

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
/** Into a minute: its record is long there, its health soon. */
const SETTLED_MS = 20_000;
/** A node's health goes a minute after its start, and so on: this far into each minute. */
const STARTED_MS = 30_000;
/** The record of a minute goes with its end, and is receipted within this time. */
const RECORD_MS = 4_000;
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

export interface LiveCost {
  /** Records alone, with their PUBACKs and receipts: what went in the first seconds of each minute, once with a ping. */
  readonly records: WireCost;
  /** With the node's health, and all that keeps the line alive. */
  readonly all: WireCost;
}

/** One meter, whole minutes of a quiet session. */
export async function liveCost(minutes: number, say: (text: string) => void): Promise<LiveCost> {
  await using meter = await startMeter();
  await using site = await startSite();
  await wait(nextAt(STARTED_MS) - Date.now());
  site.start({
    site: { name: "Bench", timeZone: "Asia/Shanghai", latitudeDeg: 39.9, longitudeDeg: 116.4 },
    buses: { meter: { tcp: `127.0.0.1:${meter.port}`, framing: "tcp" } },
    devices: { noise: { driver: "modbus-noise", bus: "meter" } },
    rules: { night: { kind: "trigger", device: "noise", limitDb: 120, clearDb: 110 } },
  });
  // The first minute holds the handshake, the hello and the first health.
  const begunMs = nextAt(SETTLED_MS) + MINUTE_MS;
  await wait(begunMs - Date.now());
  const before = { ...site.proxy.bytes };
  const records = { levels: 0, upBytes: 0, downBytes: 0 };
  for (let minute = 1; minute <= minutes; minute += 1) {
    await wait(nextAt(0) - Date.now());
    const { up, down } = site.proxy.bytes;
    await wait(RECORD_MS);
    records.levels += LEVELS_A_MINUTE;
    records.upBytes += site.proxy.bytes.up - up;
    records.downBytes += site.proxy.bytes.down - down;
    await wait(begunMs + minute * MINUTE_MS - Date.now());
    say(`minute ${minute}: ${site.proxy.bytes.up - before.up} bytes up, ${site.proxy.bytes.down - before.down} down`);
  }
  const { up, down } = site.proxy.bytes;
  return { records, all: { levels: records.levels, upBytes: up - before.up, downBytes: down - before.down } };
}

/** The next time so far into a minute. */
function nextAt(intoMinuteMs: number): number {
  return Math.ceil((Date.now() - intoMinuteMs) / MINUTE_MS) * MINUTE_MS + intoMinuteMs;
}

async function startMeter(): Promise<AsyncDisposable & { readonly port: number | undefined }> {
  const levelAt = (unit: number, atMs: number) => 55 + 6 * Math.sin(atMs / 7000 + unit) + 3 * (Math.random() - 0.5);
  const meter = await startNoiseSimulator({ listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" }, levelAt });
  return { port: meter.port, [Symbol.asyncDispose]: () => meter.close() };
}

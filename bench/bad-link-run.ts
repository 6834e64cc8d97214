import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { startBadLink } from "../cli/sim/bad-link.ts";
import type { Child } from "../cli/sim/child.ts";
import { freePorts } from "../cli/sim/free-port.ts";
import type { LineShape } from "../cli/sim/line-shape.ts";
import { reachInto } from "../cli/sim/link-forward.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import { openJournal } from "../gateway/journal/open-journal.ts";
import type { NewRecord } from "../protocol/record.ts";
import { noiseMinute } from "./noise-minute.ts";

const NODE = "bench-node";
const METERS = 5;
const METER_PORT = 15_020;
const CYCLE_S = 15;
const LOUD_S = 4;
const WARM_UP_ALARMS = 5;
const LOOK_EVERY_MS = 5;
const BATCH = 1000;
const DIFFERENT_MINUTES = 500;
/** While the system is set up, the line is a good one. */
const GOOD: LineShape = { rateBytesPerS: 10_000_000, delayMs: 0, lossShare: 0, queueBytes: 10_000_000 };

export interface BadLinkOptions {
  readonly shape: LineShape;
  readonly alarms: number;
  readonly backlogRecords: number;
  readonly limitMs: number;
  /** Configured at the gateway; measured by it where left out. */
  readonly rateBytesPerS?: number;
  readonly say?: (text: string) => void;
}

export interface BadLinkRun {
  /** From `raisedAtMs` of each alarm until another connection sees its row in the bridge's database. */
  readonly latenciesMs: readonly number[];
  /** Records of the backlog that arrived meanwhile, and how long that was. */
  readonly backlogStored: number;
  readonly elapsedMs: number;
  /** IP packets from the node in that time, lost ones included. */
  readonly upBytes: number;
}

/** A gateway process and a bridge process, with TLS, at the two ends of a bad line; alarms are raised while a backlog drains. */
export async function runOnBadLink(options: BadLinkOptions): Promise<BadLinkRun> {
  const { shape, alarms, backlogRecords, limitMs, rateBytesPerS, say = () => undefined } = options;
  const directory = mkdtempSync(join(tmpdir(), "shao-bad-link-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const link = stack.use(await startBadLink(GOOD));
  const [mqtt = 0, http = 0] = await freePorts(2);
  const { address } = link.far;
  const bridgeConfig = { listen: { host: address, mqtt, http }, dispatch: { policy: "propose" } };
  const { system, adminToken } = await LocalSystem.create({ directory, httpPort: http, bridgeConfig });
  const children: Child[] = [];
  stack.defer(async () => void (await Promise.all(children.map((child) => child.stop()))));
  children.push(await system.startBridge(["--log-level", "warn"], link.far.within));
  stack.use(await reachInto(link.far, { host: address, port: http }, http));
  await system.pair(await system.signIn(adminToken), NODE);
  const windows = { raiseWindowS: 2, raiseMinValidS: 1, clearWindowS: 2, clearMinValidS: 1, sameAlarmS: 0 };
  const units = Array.from({ length: METERS }, (_, index) => index + 1);
  system.writeNodeConfig(NODE, {
    site: { name: "Bench", timeZone: "Asia/Shanghai", latitudeDeg: 39.9, longitudeDeg: 116.4 },
    bridge: { url: `mqtts://${address}:${mqtt}`, ...(rateBytesPerS === undefined ? {} : { rateBytesPerS }) },
    buses: { meters: { tcp: `127.0.0.1:${METER_PORT}`, framing: "tcp" } },
    devices: Object.fromEntries(
      units.map((unit) => [`noise-${unit}`, { driver: "modbus-noise", bus: "meters", unit }]),
    ),
    rules: Object.fromEntries(
      units.map((unit) => [`loud-${unit}`, { kind: "trigger", device: `noise-${unit}`, byDay: true, ...windows }]),
    ),
  });
  say(`writing ${backlogRecords} minutes of backlog`);
  await fillBacklog(system.nodeState(NODE), backlogRecords);
  const meters = startMeters(link.near.within);
  stack.defer(() => void meters.disconnect());
  const database = new Database(join(system.bridgeState, "bridge.sqlite"), { readonly: true });
  stack.defer(() => void database.close());
  link.shape(shape);
  children.push(system.startNode(NODE, ["--log-level", "warn"], link.near.within));
  const watch = new AlarmWatch(database);
  const untilMs = performance.now() + limitMs;
  let begun: { atMs: number; stored: number; upBytes: number } | undefined;
  let shown = 0;
  while (watch.latenciesMs.length < WARM_UP_ALARMS + alarms && performance.now() < untilMs) {
    await wait(LOOK_EVERY_MS);
    watch.look();
    const { length } = watch.latenciesMs;
    if (begun === undefined && length >= WARM_UP_ALARMS) {
      begun = { atMs: performance.now(), stored: storedOf(database), upBytes: (await link.report()).upBytes };
    }
    if (length >= shown + 10) {
      shown = length;
      say(`${length} of ${WARM_UP_ALARMS + alarms} alarms, ${storedOf(database)} records at the bridge`);
    }
  }
  const { atMs = 0, stored = 0, upBytes = 0 } = begun ?? {};
  const said = children.flatMap((child) => child.tail(5).map((line) => `${child.name}: ${line}`));
  if (watch.latenciesMs.length < WARM_UP_ALARMS + alarms) {
    say(`only ${watch.latenciesMs.length} alarms arrived in time; last said:\n${said.join("\n")}`);
  }
  return {
    latenciesMs: watch.latenciesMs.slice(WARM_UP_ALARMS),
    backlogStored: storedOf(database) - stored,
    elapsedMs: performance.now() - atMs,
    upBytes: (await link.report()).upBytes - upBytes,
  };
}

/** Looks into the bridge's database from outside: what it sees is committed. */
class AlarmWatch {
  readonly latenciesMs: number[] = [];
  readonly #newer: Database.Statement;
  #rowid = 0;

  constructor(database: Database.Database) {
    this.#newer = database.prepare(
      "select rowid, raised_at_ms as raisedAtMs from alarms where rowid > ? and family = 'noise' order by rowid",
    );
  }

  look(): void {
    const nowMs = Date.now();
    for (const row of this.#newer.all(this.#rowid) as { rowid: number; raisedAtMs: number }[]) {
      this.#rowid = row.rowid;
      this.latenciesMs.push(nowMs - row.raisedAtMs);
    }
  }
}

function storedOf(database: Database.Database): number {
  return (database.prepare("select count(*) as count from inbox").get() as { count: number }).count;
}

/** Minutes of a meter through a long outage, as an earlier run of the gateway would have left them. */
export async function fillBacklog(directory: string, records: number): Promise<void> {
  const nowMs = Date.now();
  const stamp = { atMs: nowMs, upMs: 0, timeQuality: "ntp" } as const;
  const journal = await openJournal({ directory, stamp: () => stamp, groupMs: 0 });
  const bodies = Array.from({ length: DIFFERENT_MINUTES }, () => noiseMinute(nowMs));
  for (let written = 0; written < records; written += BATCH) {
    const append = Array.from({ length: Math.min(BATCH, records - written) }, (_, index): NewRecord => {
      const atMs = nowMs - (records - written - index) * 60_000;
      const body = bodies[(written + index) % bodies.length] ?? noiseMinute(atMs);
      const moved = { ...body, series: { ...body.series, fromMs: atMs } };
      return { kind: "noise", device: `noise-${1 + (index % METERS)}`, ...stamp, atMs, body: moved };
    });
    await journal.write({ append }, "grouped");
  }
  await journal.close();
}

function startMeters(within: readonly string[]): ChildProcess {
  const program = fileURLToPath(new URL("./loud-meters.ts", import.meta.url));
  const numbers = [METER_PORT, METERS, CYCLE_S, LOUD_S].map(String);
  const [command = "", ...args] = [...within, process.execPath, program, ...numbers];
  return spawn(command, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
}

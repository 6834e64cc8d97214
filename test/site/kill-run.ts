import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiClient } from "../../cli/sim/api-client.ts";
import type { Child } from "../../cli/sim/child.ts";
import { type LinkProxy, startLinkProxy } from "../../cli/sim/link-proxy.ts";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import { FAULT_POINTS } from "../../cloud-bridge/store/fault-points.ts";
import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { GATEWAY_FAULT_POINTS } from "../../gateway/contracts/fault-points.ts";
import { type CustodyReport, custodyReport, isClean } from "./custody-report.ts";
import { JournalObserver } from "./journal-observer.ts";
import { seededRandom } from "./seeded-random.ts";

export type NegativeControl = "receipt-on-puback" | "no-unique-key";

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  readonly negativeControl?: NegativeControl;
  /** Die at these fault points only, in turn; left out: random moments and all points by turns. */
  readonly points?: readonly string[];
  readonly say?: (sentence: string) => void;
  /** Keeps the folder, to look at. */
  readonly keep?: boolean;
}

export interface KillReport extends CustodyReport {
  readonly seed: number;
  readonly rounds: number;
  readonly kills: number;
  /** Named fault points at which a half died by itself, and how often. */
  readonly faultPoints: Readonly<Record<string, number>>;
  readonly linkCuts: number;
  readonly clean: boolean;
  readonly directory?: string;
}

const NODE = "kill-01";
const METERS = 6;
const DRAIN_MS = 90_000;
const OBSERVE_EVERY_MS = 150;
/** A half that was told to die at a fault point and does not get there is killed all the same. */
const PATIENCE_MS = 4_000;
const MAX_PAUSE_MS = 1_200;
const END_CASES_EVERY_MS = 2_500;
/** A few early kills may leave no time for an alarm, and a run without alarms proves nothing of them. */
const LEAST_ALARMS = 6;
const LOAD_MS = 60_000;

/**
 * A gateway and a bridge as processes under load (six meters, flapping noise, an alarm of its own for each raise), of which
 * one is killed again and again: by SIGKILL at a random moment, or at a named fault point. Then the faults end, all
 * drains, and what the node had committed is compared with what the bridge holds.
 */
export async function killRun(options: KillOptions): Promise<KillReport> {
  const { kills, seed, negativeControl, say = () => {} } = options;
  const random = seededRandom(seed);
  const directory = mkdtempSync(join(tmpdir(), "shao-kill-"));
  const site = await setUp(directory, negativeControl);
  const faultPoints: Record<string, number> = {};
  let linkCuts = 0;
  let done = 0;
  try {
    for (; done < kills; done += 1) {
      const { half, point } = nextDeath(done, random, options.points);
      if (random() < 0.2) {
        linkCuts += 1;
        site.link.set("cut");
        setTimeout(() => site.link.set("open"), random() * 1500);
      }
      const died =
        point === undefined
          ? await killNow(site, half, random() * MAX_PAUSE_MS)
          : await killAt(site, half, point, 1 + Math.floor(random() * 3));
      if (point !== undefined && died) faultPoints[point] = (faultPoints[point] ?? 0) + 1;
      say(
        `${done + 1}/${kills} ${half} killed${point === undefined ? "" : died ? ` at ${point}` : `, ${point} not reached`}`,
      );
      await new Promise((resolve) => setTimeout(resolve, random() * 300));
      await site.start(half);
    }
    site.link.set("open");
    await alarmsWithin(site, LOAD_MS);
    site.endLoad();
    say("faults have ended; draining");
    const drained = await site.drain(DRAIN_MS);
    if (!drained) say("it did not drain in time");
    await site.stop();
    const report = custodyReport(site.system.bridgeState, site.observer.records.values());
    const clean = isClean(report) && drained && report.alarms > 0;
    const kept = options.keep === true ? { directory } : {};
    return { seed, rounds: done, ...report, kills: done, faultPoints, linkCuts, clean, ...kept };
  } finally {
    await site.stop();
    if (options.keep !== true) rmSync(directory, { recursive: true, force: true });
  }
}

/** Goes on under load, without kills, until there is something to prove. */
async function alarmsWithin(site: KillSite, withinMs: number): Promise<void> {
  const untilMs = Date.now() + withinMs;
  const alarms = () => new Set([...site.observer.records.values()].flatMap(({ alarmId }) => alarmId ?? [])).size;
  while (alarms() < LEAST_ALARMS && Date.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 200));
}

type Half = "gateway" | "bridge";

/** Every other death at a named point, each of them in turn, so that a long run visits all; the others at a random moment. */
function nextDeath(done: number, random: () => number, only?: readonly string[]): { half: Half; point?: string } {
  const all: readonly string[] = [...GATEWAY_FAULT_POINTS, ...FAULT_POINTS];
  const point = only === undefined ? all[Math.floor(done / 2) % all.length] : only[done % only.length];
  if (point === undefined || (only === undefined && done % 2 === 0)) {
    return { half: random() < 0.5 ? "gateway" : "bridge" };
  }
  return { half: point.startsWith("gateway-") ? "gateway" : "bridge", point };
}

interface KillSite {
  readonly system: LocalSystem;
  readonly link: LinkProxy;
  readonly observer: JournalObserver;
  start(half: Half, faultPoint?: string): Promise<void>;
  child(half: Half): Child;
  endLoad(): void;
  drain(withinMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

async function setUp(directory: string, negativeControl: NegativeControl | undefined): Promise<KillSite> {
  const startedAtMs = Date.now();
  let loadEndedAtMs = Number.POSITIVE_INFINITY;
  const meters = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    units: Array.from({ length: METERS }, (_, index) => index + 1),
    levelAt: (unit, atMs) => {
      const phase = Math.floor((atMs - startedAtMs) / 1000 + unit * 1.7) % (5 + (unit % 3));
      return atMs < loadEndedAtMs && phase < 3 ? 82 + unit / 10 : 48 + unit / 10;
    },
  });
  const { system, adminToken } = await LocalSystem.create({
    directory,
    bridgeConfig: { dispatch: { policy: "auto", maxFixAgeSeconds: 86_400 } },
  });
  const link = await startLinkProxy({ to: { host: "127.0.0.1", port: system.mqttPort } });
  const devices = Array.from({ length: METERS }, (_, index) => `noise-${index + 1}`);
  const config = {
    site: { name: "Kill test", timeZone: "Asia/Shanghai", latitudeDeg: 39.912, longitudeDeg: 116.456 },
    buses: { meters: { tcp: `127.0.0.1:${meters.port}`, framing: "tcp" } },
    devices: Object.fromEntries(
      devices.map((id, index) => [id, { driver: "modbus-noise", bus: "meters", unit: index + 1, timeoutMs: 150 }]),
    ),
    // The simulated meters hold their level: they would be found stuck.
    levelWatch: { enabled: false },
    rules: Object.fromEntries(
      devices.map((device) => [
        `loud-${device}`,
        {
          kind: "trigger",
          device,
          byDay: true,
          raiseWindowS: 2,
          raiseMinValidS: 1,
          clearWindowS: 2,
          clearMinValidS: 1,
          sameAlarmS: 0,
          evidenceBeforeS: 2,
          evidenceAfterS: 2,
        },
      ]),
    ),
    // Receipted rows go at once: a receipt that proves nothing then shows as a loss.
    retention: { keepReceiptedDays: 0 },
  };
  system.writeNodeConfig(NODE, config, link.port);

  const controls: Record<Half, readonly string[]> = {
    gateway: negativeControl === "receipt-on-puback" ? ["--negative-control", negativeControl] : [],
    // Waiting times are scaled, so that timers act between two deaths.
    bridge: [
      "--time-scale",
      "60",
      ...(negativeControl === "no-unique-key" ? ["--negative-control", negativeControl] : []),
    ],
  };
  const children = new Map<Half, Child>();
  const start = async (half: Half, faultPoint?: string) => {
    const args = [
      ...controls[half],
      "--log-level",
      "warn",
      ...(faultPoint === undefined ? [] : ["--fault-point", faultPoint]),
    ];
    if (half === "gateway") children.set(half, system.startNode(NODE, args));
    else children.set(half, await system.startBridge(args));
  };
  const child = (half: Half) => {
    const found = children.get(half);
    if (found === undefined) throw new Error(`${half} was never started`);
    return found;
  };

  await start("bridge");
  const admin: ApiClient = await system.signIn(adminToken);
  await system.pair(admin, NODE);
  const people = new AbortController();
  await enterPeople(system, admin, people.signal);
  await start("gateway");
  const observer = new JournalObserver(system.nodeState(NODE));
  const observing = setInterval(() => observer.look(), OBSERVE_EVERY_MS);

  return {
    system,
    link,
    observer,
    start,
    child,
    endLoad: () => {
      loadEndedAtMs = Date.now();
    },
    async drain(withinMs) {
      const untilMs = Date.now() + withinMs;
      // Two looks in a row: the run that is written now always has a newest record on its way.
      let quiet = 0;
      while (Date.now() < untilMs) {
        observer.look();
        quiet = observer.unreceipted() === 0 ? quiet + 1 : 0;
        if (quiet >= 2 && Date.now() - loadEndedAtMs > 8_000) return true;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return false;
    },
    async stop() {
      clearInterval(observing);
      people.abort();
      await children.get("gateway")?.stop();
      observer.look();
      await children.get("bridge")?.stop();
      await Promise.all([link.close(), meters.close()]);
    },
  };
}

/** A crew that hears of its assignments and does nothing, so that timers act; and a desk that ends each case, so that new ones open. */
async function enterPeople(system: LocalSystem, admin: ApiClient, signal: AbortSignal): Promise<void> {
  await admin.call("POST", "/api/v1/units", { id: "kill", name: "Kill test", level: "district" });
  for (const crewId of ["crew-a", "crew-b"]) {
    await admin.call("POST", "/api/v1/crews", { id: crewId, name: crewId, unitId: "kill" });
    await admin.call("POST", "/api/v1/rosters", { crewId, fromMs: Date.now() - 60_000, toMs: Date.now() + 86_400_000 });
    const crew = await system.signIn(await system.addAccount(crewId, "crew", crewId));
    const position = { latitudeDeg: 39.915, longitudeDeg: 116.456, atMs: Date.now() };
    await crew.call("POST", `/api/v1/crews/${crewId}/position`, position);
    void crew.events(signal, () => {});
  }
  const endCases = async () => {
    const { items } = (await admin.call("GET", "/api/v1/cases?open=true&limit=50")) as { items: { id: string }[] };
    for (const { id } of items) {
      const act = { act: "false-alarm", cause: "kill test: the next, please" };
      await admin.call("POST", `/api/v1/cases/${id}/acts`, act, { "idempotency-key": `end-${id}` });
    }
  };
  // The bridge is away half of the time; what fails now is done the next time.
  const ending = setInterval(() => void endCases().catch(() => {}), END_CASES_EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(ending));
}

/** @returns true: a SIGKILL always arrives */
async function killNow(site: KillSite, half: Half, afterMs: number): Promise<true> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  site.child(half).kill("SIGKILL");
  await site.child(half).ended;
  return true;
}

/** Starts the half anew, to die at the `count`-th time at `point`. @returns whether it got there */
async function killAt(site: KillSite, half: Half, point: string, count: number): Promise<boolean> {
  await killNow(site, half, 0);
  await site.start(half, `${point}:${count}`).catch(() => {});
  const child = site.child(half);
  const ended = await Promise.race([
    child.ended.then(() => true),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), PATIENCE_MS)),
  ]);
  if (!ended) await killNow(site, half, 0);
  return ended;
}

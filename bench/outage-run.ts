import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startLinkProxy } from "../cli/sim/link-proxy.ts";
import { end, type Spawned, start } from "./children.ts";
import { type CountingMeter, numberOfRegister, startCountingMeter } from "./counting-meter.ts";
import { say } from "./custody-part.ts";
import { type Mosquitto, startMosquitto } from "./mosquitto.ts";
import { type Arrival, countOutage, type OutageCount } from "./outage-count.ts";
import { startCollectd } from "./peers/collectd.ts";
import { startNodeRed } from "./peers/node-red.ts";
import type { PeerSettings } from "./peers/peer-settings.ts";
import { startShaoSite, storedNumbers } from "./shao-site.ts";

const NAIVE = fileURLToPath(new URL("peers/naive.ts", import.meta.url));
const UP_WITHIN_S = 60;
const BEFORE_S = 30;
const AFTER_S = 60;
/** A gateway sends a minute when it is over. */
const MINUTE_S = 75;
const SHAO_UNIT = 1;

export interface Outage {
  readonly seconds: number;
  /** The box loses its power in the middle of it: every process on it is killed and started again. */
  readonly withPowerLoss: boolean;
}

export interface OutageResult extends OutageCount {
  readonly who: string;
  /** Seconds in which nothing was read, of those that the outage and what surrounds it took. */
  readonly unread: number;
  /** From the end of the outage until everything that ever came was there. */
  readonly recoveredS: number;
}

interface Peer {
  readonly who: string;
  readonly unit: number;
  readonly start: (settings: PeerSettings) => Spawned;
  readonly numberOf: (payload: string) => number;
}

/** All four at the same time: the same meter, links that are cut and mended together, a broker that never leaves. */
export async function outageRun(peersFolder: string, { seconds, withPowerLoss }: Outage): Promise<OutageResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "shao-outage-"));
  const peers = contestants(peersFolder, folder);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const meter = stack.use(await startCountingMeter([SHAO_UNIT, ...peers.map(({ unit }) => unit)]));
  const broker = stack.use(await startMosquitto(folder));
  const link = stack.use(await startLinkProxy({ to: { host: "127.0.0.1", port: broker.port } }));
  mkdirSync(join(folder, "shao"));
  const shao = stack.use(await startShaoSite(join(folder, "shao"), meter.port, SHAO_UNIT));
  const arrivals = await listen(broker, peers);
  const startPeer = (peer: Peer) =>
    peer.start({ meterPort: meter.port, unit: peer.unit, brokerPort: link.port, topic: `peer/${peer.who}` });
  const running = new Map(peers.map((peer) => [peer, startPeer(peer)]));
  stack.defer(async () => void (await Promise.all([...running.values()].map((one) => end(one)))));
  await everybodyUp(peers, arrivals, running, meter);

  const title = `outage of ${seconds} s${withPowerLoss ? " with a power loss" : ""}`;
  say(`${title}: all four are up`);
  const numbers = () => [SHAO_UNIT, ...peers.map(({ unit }) => unit)].map((unit) => meter.given(unit));
  const from = numbers();
  const fromMs = performance.now();
  await wait(BEFORE_S * 1000);
  const set = (mode: "cut" | "open") => [link, shao.link].map((one) => one.set(mode));
  set("cut");
  await wait((seconds * 1000) / (withPowerLoss ? 2 : 1));
  if (withPowerLoss) {
    shao.losePower();
    for (const [peer, child] of running) {
      await end(child);
      running.set(peer, startPeer(peer));
    }
    await wait(seconds * 500);
  }
  set("open");
  const mendedAtMs = Date.now();
  say(`${title}: over`);
  await wait(AFTER_S * 1000);
  const to = numbers();
  const windowS = Math.round((performance.now() - fromMs) / 1000);
  await wait(MINUTE_S * 1000);
  const all = [storedNumbers(shao), ...peers.map(({ who }) => arrivals.get(who) ?? [])];
  return ["shao", ...peers.map(({ who }) => who)].map((who, at) => {
    const heard = all[at] ?? [];
    const count = countOutage(from[at] ?? 0, to[at] ?? 0, heard);
    const late = heard.filter(({ number, atMs }) => number < (to[at] ?? 0) && atMs > mendedAtMs);
    const isOld = (one: Arrival) => one.number < (from[at] ?? 0) + BEFORE_S + seconds;
    const recoveredS = (Math.max(mendedAtMs, ...late.filter(isOld).map(({ atMs }) => atMs)) - mendedAtMs) / 1000;
    return { who, ...count, unread: Math.max(0, windowS - count.read), recoveredS };
  });
}

function contestants(peersFolder: string, folder: string): readonly Peer[] {
  return [
    {
      ...{ who: "node-red", unit: 2, numberOf: (payload) => Number((JSON.parse(payload) as number[])[0]) },
      start: (settings) => startNodeRed(peersFolder, join(folder, "node-red"), settings),
    },
    {
      ...{ who: "collectd", unit: 3, numberOf: (payload) => Number(/:([\d.]+)/.exec(payload)?.[1]) },
      start: (settings) => startCollectd(peersFolder, join(folder, "collectd"), settings),
    },
    {
      ...{ who: "naive", unit: 4, numberOf: (payload) => (JSON.parse(payload) as { value: number }).value },
      start: ({ meterPort, unit, brokerPort, topic }) =>
        start(process.execPath, [NAIVE, String(meterPort), String(unit), `mqtt://127.0.0.1:${brokerPort}`, topic]),
    },
  ];
}

async function listen({ subscriber }: Mosquitto, peers: readonly Peer[]): Promise<Map<string, Arrival[]>> {
  const arrivals = new Map(peers.map(({ who }) => [who, [] as Arrival[]]));
  subscriber.on("message", (topic, payload) => {
    const peer = peers.find(({ who }) => topic.startsWith(`peer/${who}`));
    if (peer === undefined) return;
    const number = numberOfRegister(peer.numberOf(payload.toString("utf8")));
    arrivals.get(peer.who)?.push({ number, atMs: Date.now() });
  });
  await subscriber.subscribeAsync("peer/#", { qos: 1 });
  return arrivals;
}

async function everybodyUp(
  peers: readonly Peer[],
  arrivals: ReadonlyMap<string, readonly Arrival[]>,
  running: ReadonlyMap<Peer, Spawned>,
  meter: CountingMeter,
): Promise<void> {
  for (let second = 0; second < UP_WITHIN_S; second += 1) {
    await wait(1000);
    const isUp = peers.every(({ who }) => (arrivals.get(who)?.length ?? 0) > 2);
    if (isUp && meter.given(SHAO_UNIT) > 2) return;
  }
  const told = peers.map((peer) => {
    const { said } = running.get(peer) ?? { said: [] };
    return `${peer.who}, ${arrivals.get(peer.who)?.length ?? 0} values: ${said.slice(-8).join("\n")}`;
  });
  throw new Error(`not all came up; the meter gave shao ${meter.given(SHAO_UNIT)} values\n${told.join("\n")}`);
}

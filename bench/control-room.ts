import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "../cli/sim/free-port.ts";
import { folderBytes } from "./folder-size.ts";
import { processorS, residentBytes, startShao, stopped } from "./process-figures.ts";
import { type BenchRow, report, rounded } from "./report.ts";

const TERMINALS = Number(process.env["SHAO_BENCH_TERMINALS"] ?? 5000);
const STATIONS = Number(process.env["SHAO_BENCH_STATIONS"] ?? 500);
const PERIOD_MS = 10_000;
const START_MS = 6000;
const SETTLE_MS = 20_000;
const MEASURED_S = 40;
const CONNECT_WITHIN_MS = 240_000;
const MB = 1e6;

/** One gateway of a control room with everybody on it: vehicles over JT/T 808 and stations over HJ 212, each every 10 s. */
async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const children: ChildProcess[] = [];
  try {
    const [vehicles = 0, stations = 0] = await freePorts(2);
    const state = join(folder, "state");
    const config = join(folder, "centre.yaml");
    await writeFile(config, gatewayConfig(vehicles, stations, state));
    const bareMb = await bareNodeMb();
    const gateway = startShao(["gateway", "--config", config]);
    children.push(gateway);
    await wait(START_MS);
    const pid = gateway.pid ?? 0;
    const emptyMb = residentBytes(pid) / MB;
    process.stderr.write(`${TERMINALS} terminals and ${STATIONS} stations connect\n`);
    const period = ["--period", String(PERIOD_MS)];
    const fleet = sim(["jt808", "--to", `127.0.0.1:${vehicles}`, "--count", String(TERMINALS), ...period]);
    const park = sim(["hj212", "--connect", `127.0.0.1:${stations}`, "--count", String(STATIONS), "--dust", ...period]);
    children.push(fleet.child, park.child);
    await Promise.race([
      fleet.isReady,
      wait(CONNECT_WITHIN_MS, undefined, { ref: false }).then(() => Promise.reject(new Error("not all got in"))),
    ]);
    await wait(SETTLE_MS);
    const before = processorS(pid);
    const sinceMs = performance.now();
    let highest = 0;
    for (let second = 0; second < MEASURED_S; second += 1) {
      await wait(1000);
      if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${gateway.said.join("")}`);
      highest = Math.max(highest, residentBytes(pid));
    }
    const processorPct = (100_000 * (processorS(pid) - before)) / (performance.now() - sinceMs);
    const ended = once(park.child, "close");
    park.child.kill("SIGTERM");
    await ended;
    const { reported } = JSON.parse(park.said().trim().split("\n").at(-1) ?? "") as {
      reported: { sent: number; answered: number };
    };
    const note = `${TERMINALS} terminals and ${STATIONS} stations with 7 values, each every ${PERIOD_MS / 1000} s`;
    const row = (metric: string, value: number, unit: string, peer: number | null, text: string): BenchRow => ({
      ...{ metric, value: rounded(value), unit, goal: null, limit: null, note: text },
      peer: peer === null ? null : rounded(peer),
    });
    report([
      row("control-room-processor", processorPct, "% of a core", null, note),
      row("control-room-rss", highest / MB, "MB", bareMb, `${note}; peer: a bare Node process`),
      row("control-room-rss-empty", emptyMb, "MB", bareMb, "before anybody connected"),
      row("stations-answered", (100 * reported.answered) / reported.sent, "%", null, "reports of stations"),
      row("control-room-journal", (await folderBytes(state)) / MB, "MB", null, "at the end; nothing was sent"),
    ]);
  } finally {
    for (const child of children.toReversed()) await stopped(child, "SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}

interface Simulated {
  readonly child: ChildProcess;
  readonly isReady: Promise<void>;
  said(): string;
}

function sim(args: readonly string[]): Simulated {
  const child = spawn(process.execPath, ["cli/shao.js", "sim", ...args], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    resolve();
  });
  child.once("exit", (code) => reject(new Error(`shao sim ${args[0]} ended with ${String(code)}`)));
  promise.catch(() => undefined);
  return { child, isReady: promise, said: () => said };
}

async function bareNodeMb(): Promise<number> {
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await wait(1000);
  const mb = residentBytes(bare.pid ?? 0) / MB;
  await stopped(bare, "SIGKILL");
  return mb;
}

function gatewayConfig(vehicles: number, stations: number, state: string): string {
  return [
    "node: bench-centre",
    "timeZone: Asia/Shanghai",
    // Nobody listens there: all stays in the journal.
    'bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }',
    `state: ${JSON.stringify(state)}`,
    "devices:",
    `  vehicles: { driver: jt808, listen: "127.0.0.1:${vehicles}", acceptUnknown: true }`,
    `  stations: { driver: hj212, listen: "127.0.0.1:${stations}", acceptUnknown: true }`,
    "",
  ].join("\n");
}

await main();

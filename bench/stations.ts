import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "../cli/sim/free-port.ts";
import { folderBytes } from "./folder-size.ts";
import { residentBytes, startShao, stopped, watched } from "./process-figures.ts";
import { type BenchRow, report, rounded } from "./report.ts";

const STATIONS = Number(process.env["SHAO_BENCH_STATIONS"] ?? 500);
const PERIOD_MS = 10_000;
const START_S = 6;
const SETTLE_S = 20;
const MEASURED_S = 30;
const MB = 1e6;

interface Figures {
  readonly processorPct: number;
  readonly rssMb: number;
  readonly emptyMb: number;
  /** Reports that were sent and answered from the first to the last second. */
  readonly sent: number;
  readonly answered: number;
}

/** Many HJ 212 stations with dust and weather on one gateway, beside a server that only splits frames and answers each. */
async function main(): Promise<void> {
  const bare = await beside("bare server", (port) =>
    spawn(process.execPath, [import.meta.filename, "--bare", String(port)], { stdio: "ignore" }),
  );
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  try {
    const state = join(folder, "state");
    const gateway = await beside("gateway", async (port) => {
      const config = join(folder, "centre.yaml");
      await writeFile(config, gatewayConfig(port, state));
      return startShao(["gateway", "--config", config]);
    });
    const note = `${STATIONS} stations, 7 values each ${PERIOD_MS / 1000} s; peer: a server that splits frames and answers`;
    const row = (metric: string, value: number, unit: string, peer: number | null, text = note): BenchRow => ({
      ...{ metric, value: rounded(value), unit, goal: null, limit: null, note: text },
      peer: peer === null ? null : rounded(peer),
    });
    const eachKb = ((gateway.rssMb - gateway.emptyMb) * 1000) / STATIONS;
    report([
      row("stations-processor", gateway.processorPct, "% of a core", bare.processorPct),
      row("stations-rss", gateway.rssMb, "MB", bare.rssMb),
      row("stations-rss-each", eachKb, "kB", null, "above the gateway without them"),
      row("stations-answered", (100 * gateway.answered) / gateway.sent, "%", (100 * bare.answered) / bare.sent),
      row(
        "stations-journal",
        (await folderBytes(state)) / MB,
        "MB",
        null,
        `after ${SETTLE_S + MEASURED_S} s; nothing was sent`,
      ),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts a server, lets all stations report to it from another process, and measures the server. */
async function beside(what: string, start: (port: number) => ChildProcess | Promise<ChildProcess>): Promise<Figures> {
  const [port = 0] = await freePorts(1);
  const server = await start(port);
  await wait(START_S * 1000);
  const pid = server.pid ?? 0;
  const emptyMb = residentBytes(pid) / MB;
  const args = ["cli/shao.js", "sim", "hj212", "--connect", `127.0.0.1:${port}`, "--count", String(STATIONS), "--dust"];
  const fleet = spawn(process.execPath, [...args, "--period", String(PERIOD_MS)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let said = "";
  fleet.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  try {
    process.stderr.write(`${what}: ${STATIONS} stations connect and report\n`);
    await wait(SETTLE_S * 1000);
    const figures = await watched(server, what, MEASURED_S);
    const ended = once(fleet, "close");
    fleet.kill("SIGTERM");
    await ended;
    const { reported } = JSON.parse(said.trim().split("\n").at(-1) ?? "") as { reported: Figures };
    return { ...figures, emptyMb, sent: reported.sent, answered: reported.answered };
  } finally {
    await stopped(fleet, "SIGKILL");
    await stopped(server);
  }
}

/** What any server of this protocol must do: find the frames by their length, and answer each so that stations go on. */
function serveBare(port: number): void {
  const answer = Buffer.from(
    "##0087QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&3240\r\n",
  );
  createServer((socket) => {
    let held = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      for (;;) {
        const end = 6 + Number(held.toString("latin1", 2, 6)) + 6;
        if (held.length < 6 || held.length < end) break;
        held = held.subarray(end);
        socket.write(answer);
      }
    });
  }).listen(port, "127.0.0.1");
}

function gatewayConfig(port: number, state: string): string {
  return [
    "node: bench-centre",
    "timeZone: Asia/Shanghai",
    // Nobody listens there: all stays in the journal.
    'bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }',
    `state: ${JSON.stringify(state)}`,
    "devices:",
    `  stations: { driver: hj212, listen: "127.0.0.1:${port}", acceptUnknown: true }`,
    "",
  ].join("\n");
}

const [flag, port] = process.argv.slice(2);
if (flag === "--bare") serveBare(Number(port));
else await main();

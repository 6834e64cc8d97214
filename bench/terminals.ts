import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "../cli/sim/free-port.ts";
import { folderBytes } from "./folder-size.ts";
import { frameRows } from "./jt808-frames.ts";
import { residentBytes, startShao, stopped, watched } from "./process-figures.ts";
import { type BenchRow, report, rounded } from "./report.ts";

const TERMINALS = Number(process.env["SHAO_BENCH_TERMINALS"] ?? 5000);
const PERIOD_MS = 10_000;
const SETTLE_S = 15;
const MEASURED_S = 30;
const CONNECT_WITHIN_MS = 240_000;
const MB = 1e6;

interface Figures {
  readonly processorPct: number;
  readonly rssMb: number;
}

/** Many JT/T 808 terminals on one gateway, beside a server that only splits frames and answers each. */
async function main(): Promise<void> {
  const bare = await beside("bare server", (port) => startBare(port));
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  try {
    let emptyMb = 0;
    const state = join(folder, "state");
    const gateway = await beside("gateway", async (port) => {
      const config = join(folder, "centre.yaml");
      await writeFile(config, gatewayConfig(port, state));
      const child = startShao(["gateway", "--config", config]);
      await wait(6000);
      emptyMb = residentBytes(child.pid ?? 0) / MB;
      return child;
    });
    const journalBytes = await folderBytes(state);
    const note = `${TERMINALS} terminals, a report each ${PERIOD_MS / 1000} s; peer: a server that splits frames and answers`;
    const row = (metric: string, value: number, unit: string, peer: number | null, text = note): BenchRow => ({
      metric,
      value: rounded(value),
      unit,
      goal: null,
      peer: peer === null ? null : rounded(peer),
      limit: null,
      note: text,
    });
    report([
      ...frameRows(),
      row("terminals-processor", gateway.processorPct, "% of a core", bare.processorPct),
      row("terminals-rss", gateway.rssMb, "MB", bare.rssMb),
      row(
        "terminals-rss-each",
        ((gateway.rssMb - emptyMb) * 1000) / TERMINALS,
        "kB",
        null,
        "above the gateway without them",
      ),
      row(
        "terminals-journal",
        journalBytes / MB,
        "MB",
        null,
        `after ${SETTLE_S + MEASURED_S} s and the connecting; nothing was sent`,
      ),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts a server, connects all terminals from another process, and measures the server. */
async function beside(what: string, start: (port: number) => Promise<ChildProcess>): Promise<Figures> {
  const [port = 0] = await freePorts(1);
  const server = await start(port);
  const args = ["cli/shao.js", "sim", "jt808", "--to", `127.0.0.1:${port}`, "--count", String(TERMINALS)];
  const fleet = spawn(process.execPath, [...args, "--period", String(PERIOD_MS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const startedMs = performance.now();
    process.stderr.write(`${what}: ${TERMINALS} terminals connect\n`);
    await firstLine(fleet);
    process.stderr.write(
      `${what}: connected after ${Math.round((performance.now() - startedMs) / 1000)} s, measuring\n`,
    );
    await wait(SETTLE_S * 1000);
    return await watched(server, what, MEASURED_S);
  } finally {
    await stopped(fleet, "SIGKILL");
    await stopped(server);
  }
}

async function firstLine(child: ChildProcess): Promise<void> {
  if (child.stdout === null) throw new Error("no stdout");
  const lines = createInterface({ input: child.stdout });
  const giveUp = setTimeout(() => child.kill("SIGKILL"), CONNECT_WITHIN_MS);
  const ended = once(child, "exit").then(() => Promise.reject(new Error("the terminals did not get in")));
  await Promise.race([once(lines, "line"), ended]);
  ended.catch(() => undefined);
  clearTimeout(giveUp);
}

/** What any server of this protocol must do: find the frames, and answer each so that terminals go on. */
async function startBare(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [import.meta.filename, "--bare", String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

function serveBare(port: number): void {
  const good = Buffer.from("0000000000", "hex");
  createServer((socket) => {
    let held = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      for (;;) {
        const begin = held.indexOf(0x7e);
        const end = held.indexOf(0x7e, begin + 1);
        if (begin < 0 || end < 0) break;
        answer(held.subarray(begin + 1, end));
        held = held.subarray(end + 1);
      }
    });
    const answer = (frame: Buffer): void => {
      const isRegister = frame[0] === 1 && frame[1] === 0;
      const body = Buffer.from(isRegister ? [frame[10] ?? 0, frame[11] ?? 0, 0, 0x31] : good);
      if (!isRegister) frame.copy(body, 0, 10, 12);
      if (!isRegister) frame.copy(body, 2, 0, 2);
      const id = isRegister ? [0x81, 0x00] : [0x80, 0x01];
      const plain = Buffer.concat([Buffer.from([...id, 0, body.length]), frame.subarray(4, 10), Buffer.alloc(2), body]);
      const sealed = [...plain, plain.reduce((sum, byte) => sum ^ byte, 0)];
      const escaped = sealed.flatMap((byte) => (byte === 0x7e ? [0x7d, 2] : byte === 0x7d ? [0x7d, 1] : [byte]));
      socket.write(Uint8Array.from([0x7e, ...escaped, 0x7e]));
    };
  }).listen(port, "127.0.0.1", () => process.stdout.write("listening\n"));
}

function gatewayConfig(port: number, state: string): string {
  return [
    "node: bench-centre",
    "timeZone: Asia/Shanghai",
    // Nobody listens there: all stays in the journal.
    'bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }',
    `state: ${JSON.stringify(state)}`,
    "devices:",
    `  vehicles: { driver: jt808, listen: "127.0.0.1:${port}", acceptUnknown: true }`,
    "",
  ].join("\n");
}

const [flag, port] = process.argv.slice(2);
if (flag === "--bare") serveBare(Number(port));
else await main();

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endWithUs } from "./children.ts";

/** USER_HZ: /proc counts processor time in hundredths of a second on every Linux that Node runs on. */
const TICKS_PER_S = 100;
const SHAO = fileURLToPath(new URL("../scripts/shao", import.meta.url));

/** Starts `scripts/shao ARGS`, as a box does; what it says on stderr is kept for the case that it ends. */
export function startShao(args: readonly string[]): ChildProcess & { readonly said: string[] } {
  const child = spawn(SHAO, [...args], { stdio: ["ignore", "ignore", "pipe"] });
  endWithUs(child);
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.push(text);
    if (said.length > 100) said.shift();
  });
  return Object.assign(child, { said });
}

export async function stopped(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  const hammer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(hammer);
}

/** Resident memory of a process now. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Processor time that a process and its threads have used. */
export function processorS(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** What a server takes while others load it. @throws Error when it ends meanwhile */
export async function watched(server: ChildProcess, what: string, seconds: number) {
  const pid = server.pid ?? 0;
  const before = processorS(pid);
  const sinceMs = performance.now();
  let highestBytes = 0;
  for (let second = 0; second < seconds; second += 1) {
    await wait(1000);
    if (server.exitCode !== null) throw new Error(`${what} ended`);
    highestBytes = Math.max(highestBytes, residentBytes(pid));
  }
  const processorPct = (100_000 * (processorS(pid) - before)) / (performance.now() - sinceMs);
  return { processorPct, rssMb: highestBytes / 1e6 };
}

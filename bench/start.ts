import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { openJournal } from "../gateway/journal/open-journal.ts";
import type { NewRecord } from "../protocol/record.ts";
import { processorS, startShao, stopped } from "./process-figures.ts";
import { type BenchRow, report, rounded } from "./report.ts";
import { startTenMeters, type TenMeters } from "./ten-meters.ts";

const STARTS = 5;
const BACKLOG_RECORDS = 100_000;
const BATCH = 1000;
const GIVE_UP_MS = 20_000;

/** From the start of the process to the first answer of a meter, with an empty journal and with a large backlog. */
async function main(): Promise<void> {
  await using meters = await startTenMeters();
  await starts(meters, "compile cache filled", 1);
  const bare = await bareStarts();
  const empty = await starts(meters, "empty journal");
  await fill(meters.state);
  const full = await starts(meters, `${BACKLOG_RECORDS} records of backlog`);
  const floor = rounded(median(bare));
  const row = (metric: string, values: readonly number[], note: string, limit: number | null = null): BenchRow => {
    const goal = metric.startsWith("start") ? 1500 : null;
    return { metric, value: rounded(median(values)), unit: "ms", goal, peer: null, limit, note };
  };
  report([
    row("start-to-first-reading", empty.times, `${STARTS} starts, median; limit: a bare Node process`, floor),
    row("processor-to-first-reading", empty.processorMs, "all threads; does not depend on the load of the machine"),
    row("start-to-first-reading-backlog", full.times, `${BACKLOG_RECORDS} unsent records`, floor),
    row("processor-to-first-reading-backlog", full.processorMs, `${BACKLOG_RECORDS} unsent records`),
  ]);
}

interface Starts {
  readonly times: readonly number[];
  readonly processorMs: readonly number[];
}

async function starts(meters: TenMeters, what: string, count = STARTS): Promise<Starts> {
  const times: number[] = [];
  const processorMs: number[] = [];
  for (let start = 0; start < count; start += 1) {
    meters.forgetAnswers();
    const startedMs = performance.now();
    const gateway = startShao(["gateway", "--config", meters.config]);
    try {
      while (meters.firstAnswerMs() === undefined) {
        if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${gateway.said.join("")}`);
        if (performance.now() - startedMs > GIVE_UP_MS) throw new Error(`no meter was read: ${gateway.said.join("")}`);
        await wait(2);
      }
      processorMs.push(processorS(gateway.pid ?? 0) * 1000);
      times.push((meters.firstAnswerMs() ?? 0) - startedMs);
    } finally {
      await stopped(gateway);
    }
    process.stderr.write(`${what}: ${Math.round(times.at(-1) ?? 0)} ms\n`);
  }
  return { times, processorMs };
}

/** How fast this machine is just now. */
async function bareStarts(): Promise<number[]> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const startedMs = performance.now();
    await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit");
    times.push(performance.now() - startedMs);
  }
  return times;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Positions of a long outage, as an earlier run of the gateway would have left them. */
async function fill(directory: string): Promise<void> {
  process.stderr.write(`writing ${BACKLOG_RECORDS} records\n`);
  const nowMs = Date.now();
  const stamp = { atMs: nowMs, upMs: 0, timeQuality: "ntp" } as const;
  const journal = await openJournal({ directory, stamp: () => stamp, groupMs: 0 });
  const body = { latitudeDeg: 39.9, longitudeDeg: 116.4, fix: "gnss", speedMps: 3, bearingDeg: 10 } as const;
  for (let written = 0; written < BACKLOG_RECORDS; written += BATCH) {
    const append = Array.from({ length: BATCH }, (_, index): NewRecord => {
      const atMs = nowMs - (BACKLOG_RECORDS - written - index) * 1000;
      return { kind: "position", device: "gps", ...stamp, atMs, body };
    });
    await journal.write({ append }, "grouped");
  }
  await journal.close();
}

await main();

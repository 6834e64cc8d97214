import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { writePositions } from "./backlog-of-positions.ts";
import { median, startsToFirstReading } from "./first-reading.ts";
import { type BenchRow, report, rounded } from "./report.ts";
import { startTenMeters } from "./ten-meters.ts";

const STARTS = 5;
const BACKLOG_RECORDS = 100_000;

/** From the start of the process to the first answer of a meter, with an empty journal and with a large backlog. */
async function main(): Promise<void> {
  await using meters = await startTenMeters();
  await startsToFirstReading(meters, "compile cache filled", 1);
  const bare = await bareStarts();
  const empty = await startsToFirstReading(meters, "empty journal", STARTS);
  process.stderr.write(`writing ${BACKLOG_RECORDS} records\n`);
  await writePositions(meters.state, BACKLOG_RECORDS);
  const full = await startsToFirstReading(meters, `${BACKLOG_RECORDS} records of backlog`, STARTS);
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

await main();

import { spawn } from "node:child_process";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { processorS, residentBytes, startShao, stopped } from "./process-figures.ts";
import { report, rounded } from "./report.ts";
import { METERS, startTenMeters } from "./ten-meters.ts";

const FIRST_START_S = 6;
/** The gateway gives back what only its start needed after 20 s. */
const WARM_UP_S = 30;
const MEASURED_S = 20;
const MB = 1e6;

/** Memory and processor time of a gateway that reads ten meters and a receiver; the link is down, so all is journaled. */
async function main(): Promise<void> {
  await using meters = await startTenMeters();
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  // The first start after an update compiles; every later one finds its code compiled.
  const first = startShao(["gateway", "--config", meters.config]);
  await wait(FIRST_START_S * 1000);
  await stopped(first);
  const gateway = startShao(["gateway", "--config", meters.config]);
  try {
    const pid = gateway.pid ?? 0;
    process.stderr.write(`warming up for ${WARM_UP_S} s, then measuring for ${MEASURED_S} s\n`);
    await wait(WARM_UP_S * 1000);
    if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${gateway.said.join("")}`);
    meters.forgetAnswers();
    const processorBefore = processorS(pid);
    let highest = 0;
    for (let second = 0; second < MEASURED_S; second += 1) {
      await wait(1000);
      highest = Math.max(highest, residentBytes(pid));
    }
    const processor = processorS(pid) - processorBefore;
    const polls = meters.answers() / (METERS * MEASURED_S);
    const floor = residentBytes(bare.pid ?? 0);
    report([
      {
        metric: "gateway-rss",
        value: rounded(highest / MB),
        unit: "MB",
        goal: 120,
        peer: null,
        limit: rounded(floor / MB),
        note: "highest of 20 s; limit: a bare Node process",
      },
      {
        metric: "gateway-processor",
        value: rounded((100 * processor) / MEASURED_S),
        unit: "% of a core",
        goal: 3,
        peer: null,
        limit: null,
        note: "journal's thread included",
      },
      {
        metric: "polls-kept",
        value: rounded(100 * polls),
        unit: "%",
        goal: 95,
        peer: null,
        limit: 100,
        note: `${METERS} meters, one poll a second each`,
      },
    ]);
  } finally {
    bare.kill("SIGKILL");
    await stopped(gateway);
  }
}

await main();

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { FleetRun } from "../cli/sim/fleet/fleet-run.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import { measureFleetPage } from "./fleet-page.ts";
import { type BenchRow, report } from "./report.ts";

const NODES = Number(process.env["SHAO_BENCH_NODES"] ?? 1000);
/** DESIGN: 5,000 connected nodes over mTLS. */
const GOAL_MB = 600;

const directory = mkdtempSync(join(tmpdir(), "shao-fleet-"));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
let stop = async (): Promise<void> => {};
try {
  const { system, adminToken } = await LocalSystem.create({ directory });
  const first = await system.startBridge(["--log-level", "warn"]);
  stop = async () => void (await first.stop());
  const admin = await system.signIn(adminToken);
  const settings = {
    nodes: NODES,
    seed: 1,
    failShare: 0.05,
    failingConfig: 0.05,
    everyMs: 60_000,
    atOnce: 40,
    restMs: 60_000,
    say,
  };
  const fleet = new FleetRun(system, settings);
  const { report: found, bridge } = await fleet.run(first, admin);
  stop = async () => void (await bridge.stop());
  say(JSON.stringify(found));
  for (const node of fleet.nodes) node.resume();
  const page = await measureFleetPage(system.url, system.welcomeLink(await system.addAccount("fleet", "operator")));
  const note = `${NODES} nodes in one process, real enrolment, mTLS; ${found.failing} with a dead meter`;
  const row = (metric: string, value: number, unit: string, goal: number | null = null): BenchRow => ({
    ...{ metric, value, unit, goal, peer: null, limit: null, note },
  });
  const { pairing, connecting, reconnecting, records, rollout, bridge: used } = found;
  report(
    [
      row("pairing storm, 40 at once", pairing.seconds, "s"),
      row("pairing, repeated for want of an answer", pairing.again, "attempts"),
      row("bridge's processor while they pair", used.paired.cpuPct, "% of a core"),
      row("all connect at once: until the last hello is answered", connecting.seconds, "s"),
      row("bridge's processor while they connect", used.connected.cpuPct, "% of a core"),
      row("bridge at rest: resident memory", used.rest.rssMb, "MB", GOAL_MB),
      row("bridge at rest: processor", used.rest.cpuPct, "% of a core"),
      row("config for all, half at a time: until the last has said", rollout.seconds, "s"),
      row("config for all: hold it", rollout.applied, "nodes", NODES - rollout.failing),
      row("config for all: fail their self-test and take it back", rollout.reverted, "nodes", rollout.failing),
      row(
        "config for all: nodes that have another than they should, before and after the storm",
        rollout.mismatches.length + rollout.afterReconnect.mismatches.length,
        "nodes",
        0,
      ),
      row("config for all: orders repeated by the storm", rollout.afterReconnect.repeatedOrders, "orders", 0),
      row("bridge killed: until half are back", reconnecting.halfSeconds, "s"),
      row("bridge killed: until all are back", reconnecting.seconds, "s"),
      row("bridge's highest resident memory meanwhile", used.returned.peakRssMb, "MB", GOAL_MB),
      row("bridge's processor while they return", used.returned.cpuPct, "% of a core"),
      row("nodes not back after 300 s", NODES - reconnecting.present, "nodes", 0),
      row("records written", records.written, "records"),
      row("records lost", records.lost + records.unexplained, "records", 0),
      ...(page === undefined
        ? []
        : [
            row("fleet page: until 50 rows stand", page.firstMs, "ms"),
            row("fleet page: a filter", page.filterMs, "ms"),
            row("fleet page: an order", page.sortMs, "ms"),
            row("fleet page: grouped by site", page.groupMs, "ms"),
            row("fleet page: next page", page.nextMs, "ms"),
            row("fleet page: longest task meanwhile", page.longestTaskMs, "ms"),
            row("fleet page: longest task in 20 s of watching", page.longestTaskWatchedMs, "ms"),
            row("fleet page: heap", page.heapMb, "MB"),
          ]),
    ],
    page === undefined ? ["the page: no Chromium"] : [],
  );
  await fleet.stop();
} finally {
  await stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { EXIT } from "../subcommand.ts";
import { UsageError, usable } from "../usage-error.ts";
import { type FleetOptions, FleetRun, type Outcome } from "./fleet/fleet-run.ts";
import { untilAskedToEnd } from "./listen-options.ts";
import { LocalSystem } from "./local-system.ts";

interface Options {
  readonly nodes: string;
  readonly seed: string;
  readonly failShare: string;
  readonly failingConfig: string;
  readonly every: string;
  readonly atOnce: string;
  readonly rest: string;
  readonly stay?: boolean;
}

/** `shao sim fleet`: many boxes in one process against a bridge of its own, through both storms and a config change. */
export function fleetCommand(): Command {
  return new Command("fleet")
    .description(
      "a fleet in one process against a bridge of its own: all enrol, connect, get another config, lose the bridge and come back",
    )
    .option("--nodes <n>", "how many boxes", "1000")
    .option("--seed <n>", "of levels, of moments, and of which boxes fail", "1")
    .option("--fail-share <share>", "of the boxes, those whose meter gives no answer: 0 to 1", "0.05")
    .option(
      "--failing-config <share>",
      "of the boxes, those that fail the self-test of a new config: 0 to 1, or 5%",
      "5%",
    )
    .option("--every <seconds>", "between two minutes of levels of a box, and two words on its health", "60")
    .option("--at-once <n>", "boxes that enrol at the same time", "40")
    .option("--rest <seconds>", "how long the bridge is watched at rest", "60")
    .option("--stay", "go on after both storms, with the console's address, until Ctrl-C")
    .addHelpText(
      "after",
      "\nstdout is one line of JSON; exit code 1 if a record was lost, a box did not enrol or come back,\nor has another config than it should.\n\nExample: shao sim fleet --nodes 200 --rest 10",
    )
    .action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const fleet: FleetOptions = {
    nodes: numeric(options.nodes, 1, 10_000, "number of boxes", Number.isInteger),
    seed: numeric(options.seed, 0, 1e9, "seed", Number.isInteger),
    failShare: share(options.failShare),
    failingConfig: share(options.failingConfig),
    everyMs: numeric(options.every, 1, 3600, "number of seconds") * 1000,
    atOnce: numeric(options.atOnce, 1, 1000, "number of boxes", Number.isInteger),
    restMs: numeric(options.rest, 0, 3600, "number of seconds") * 1000,
    say,
  };
  const directory = mkdtempSync(join(tmpdir(), "shao-fleet-"));
  let outcome: Outcome | undefined;
  try {
    const { system, adminToken } = await LocalSystem.create({ directory });
    const bridge = await system.startBridge(["--log-level", "warn"]);
    const admin = await system.signIn(adminToken);
    const all = new FleetRun(system, fleet);
    outcome = await all.run(bridge, admin);
    const { report } = outcome;
    process.stdout.write(`${JSON.stringify(report)}\n`);
    const { pairing, reconnecting, connecting, records, rollout } = report;
    const isWhole = pairing.failed === 0 && connecting.present === fleet.nodes && reconnecting.present === fleet.nodes;
    const disagree = rollout.mismatches.length + rollout.afterReconnect.mismatches.length;
    const isConfigured = disagree === 0 && rollout.others === 0 && rollout.afterReconnect.repeatedOrders === 0;
    if (!isWhole || !isConfigured || records.lost > 0 || records.unexplained > 0) process.exitCode = EXIT.fault;
    if (options.stay === true) {
      for (const node of all.nodes) node.resume();
      say(`${system.welcomeLink(await system.addAccount("fleet", "operator"))}\nCtrl-C ends it`);
      await untilAskedToEnd();
    }
    await all.stop();
  } finally {
    await outcome?.bridge.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function share(text: string): number {
  const isPercent = text.endsWith("%");
  const value = numeric(isPercent ? text.slice(0, -1) : text, 0, isPercent ? 100 : 1, "share");
  return isPercent ? value / 100 : value;
}

function numeric(
  text: string,
  least: number,
  most: number,
  what: string,
  also: (value: number) => boolean = () => true,
): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most && also(value)) return value;
  throw new UsageError(`"${text}" is no ${what} from ${least} to ${most}`);
}

import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { faultRun } from "./fault-run.ts";
import type { NegativeControl } from "./fault-site.ts";
import { FaultTotals } from "./fault-totals.ts";
import { FAULTS, faultNamed } from "./faults/registry.ts";

/** `npm run fault-test`: the fault test for anyone, with any faults, length and seed. stdout: one JSON line a run, exit 1 when anything is wrong. */
interface Options {
  readonly faults: readonly string[];
  readonly rounds: number;
  readonly chunk: number;
  readonly atOnce: number;
  readonly seed: number;
  readonly negativeControl?: NegativeControl;
  readonly points?: readonly string[];
  readonly twoBridges?: true;
  readonly mosquitto?: true;
  readonly keep?: true;
  readonly keepUnclean?: string;
}

const command = new Command("fault-test")
  .description(
    "Breaks gateway, bridge, their disks, clocks and link while alarms are raised; then compares what was committed with what the bridge holds.",
  )
  .option("--faults <names>", "which, separated by commas; `all` for each of them", faultNames, ["kill"])
  .option("--rounds <n>", "how many strokes", whole, 20)
  .option("--kills <n>", "the same, for runs of kills alone", whole)
  .option("--chunk <n>", "strokes in one run: each has its own bridge, journal and seed", whole, 100)
  .option("--at-once <n>", "runs side by side", whole, 1)
  .option("--seed <n>", "repeats a run's choices (not the machine's timing)", whole, Date.now() % 1_000_000)
  .addOption(
    new Option("--negative-control <name>", "break a promise; the test must go red").choices([
      "receipt-on-puback",
      "synchronous-normal",
      "run-id-reused",
      "no-unique-key",
    ]),
  )
  .option(
    "--points <names>",
    "kill at these fault points only, e.g. bridge-mid-ingest,gateway-after-commit",
    (text: string) => text.split(","),
  )
  .option("--two-bridges", "two processes of one bridge on one PostgreSQL")
  .option("--mosquitto", "Mosquitto between nodes and bridge")
  .option("--keep", "keep the state folder, and print it")
  .option("--keep-unclean <folder>", "copy the state of runs that are not clean to there")
  .addHelpText("after", `\nFaults:\n${FAULTS.map(({ name, does }) => `  ${name.padEnd(18)}${does}`).join("\n")}`)
  .action(async (options: Options & { readonly kills?: number }) => {
    const { chunk, atOnce, seed, kills, twoBridges, mosquitto, ...more } = options;
    const others = { ...more, hasTwoBridges: twoBridges === true, hasMosquitto: mosquitto === true };
    const rounds = kills ?? options.rounds;
    const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
    say(`seed ${seed}`);
    const sizes = Array.from({ length: Math.ceil(rounds / chunk) }, (_, at) => Math.min(chunk, rounds - at * chunk));
    const runs = sizes.map((size, at) => ({ rounds: size, seed: seed + at }));
    const totals = new FaultTotals();
    const stream = async () => {
      for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
        const report = await faultRun({ ...others, ...run, ...(sizes.length === 1 ? { say } : {}) }).catch(
          (error: unknown) => {
            // A run that could not be brought to its end proves nothing, and must not end the others.
            totals.addBroken();
            say(`seed ${run.seed}: ${error instanceof Error ? error.stack : String(error)}`);
          },
        );
        if (report === undefined) continue;
        totals.add(report);
        process.stdout.write(`${JSON.stringify(report)}\n`);
        if (sizes.length > 1) say(totals.line());
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, atOnce) }, stream));
    if (sizes.length > 1) process.stdout.write(`${JSON.stringify({ total: true, seed, ...totals.sums() })}\n`);
    process.exitCode = totals.isClean ? 0 : 1;
  });

function faultNames(text: string): readonly string[] {
  if (text === "all") return FAULTS.map(({ name }) => name);
  const names = text.split(",");
  try {
    for (const name of names) faultNamed(name);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
  return names;
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError("A whole number is wanted.");
}

await command.parseAsync();
// Not left to the loop's own end: a socket that was cut in the middle can keep Node's clean-up busy for ever.
process.exit();

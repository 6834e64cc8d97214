import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { killRun, type NegativeControl } from "./kill-run.ts";

/** `npm run kill-test`: the kill test for anyone, with any count and seed. stdout: one JSON line; exit 1 when anything is wrong. */
interface Options {
  readonly kills: number;
  readonly seed: number;
  readonly negativeControl?: NegativeControl;
  readonly points?: readonly string[];
  readonly keep?: true;
}

const command = new Command("kill-test")
  .description(
    "Kills gateway and bridge at random moments and at named fault points; then compares what was sent with what is stored.",
  )
  .option("--kills <n>", "how many", whole, 20)
  .option("--seed <n>", "repeats a run's choices (not the machine's timing)", whole, Date.now() % 1_000_000)
  .addOption(
    new Option("--negative-control <name>", "break a promise; the test must go red").choices([
      "receipt-on-puback",
      "no-unique-key",
    ]),
  )
  .option(
    "--points <names>",
    "die at these fault points only, e.g. bridge-mid-ingest,gateway-after-commit",
    (text: string) => text.split(","),
  )
  .option("--keep", "keep the state folder, and print it")
  .action(async (options: Options) => {
    const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
    say(`seed ${options.seed}`);
    const report = await killRun({ ...options, say });
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.clean ? 0 : 1;
  });

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError("A whole number is wanted.");
}

await command.parseAsync();

import { Command, Option } from "commander";
import { startSvantekSimulator } from "../../drivers/svantek-noise/simulator.ts";
import { UsageError, usable } from "../usage-error.ts";
import { levelAtElapsed, parseLevelScript } from "./level-script.ts";
import { type ListenOptions, resolveListen, untilAskedToEnd, withListenOptions } from "./listen-options.ts";

interface Options extends ListenOptions {
  readonly script: string;
  readonly loop?: boolean;
  readonly weighting: "Z" | "A" | "C";
  readonly detector: "impulse" | "fast" | "slow";
  readonly period: string;
  readonly stopped?: boolean;
}

/** `shao sim svantek`: a sound level meter that answers ASCII queries. */
export function svantekCommand(): Command {
  const command = new Command("svantek")
    .description("a Svantek sound level meter")
    .option("--script <levels>", "dB x seconds, e.g. 60x120,85x40 (- is no result), or a .json file", "55x60")
    .option("--loop", "begin the script again at its end instead of holding its last level")
    .addOption(new Option("--weighting <letter>", "filter of profile 1").choices(["A", "C", "Z"]).default("A"))
    .addOption(
      new Option("--detector <name>", "detector of profile 1").choices(["fast", "slow", "impulse"]).default("fast"),
    )
    .option("--period <s>", "integration period", "1")
    .option("--stopped", "nobody pressed START")
    .addHelpText("after", "\nExample: shao sim svantek --tcp 14002 --script 60x120,85x40");
  return withListenOptions(command, false).action((options: Options, self: Command) =>
    usable(self, () => run(options)),
  );
}

async function run(options: Options): Promise<void> {
  const script = parseLevelScript(options.script);
  const periodS = Number(options.period);
  if (!Number.isInteger(periodS) || periodS < 1) throw new UsageError(`"${options.period}" is no number of seconds`);
  const listening = await resolveListen(options);
  const startedAtMs = Date.now();
  const { weighting, detector } = options;
  const simulator = await startSvantekSimulator({
    listen: listening.listen,
    periodS,
    levelAt: (atMs) => levelAtElapsed(script, atMs - startedAtMs, options.loop === true),
    state: () => ({ weighting, detector, isRunning: options.stopped !== true }),
  });
  const { framing: _, ...where } = { framing: undefined, ...listening.describe(simulator.port) };
  process.stdout.write(`${JSON.stringify({ listening: { ...where, kind: "svantek" } })}\n`);
  process.stderr.write("simulated meter answers; Ctrl-C ends it\n");
  await untilAskedToEnd();
  await simulator.close();
  await listening.release();
}

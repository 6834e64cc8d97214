import { Command, Option } from "commander";
import type { CemModel } from "../../drivers/cem-noise/config.ts";
import { startCemSimulator } from "../../drivers/cem-noise/simulator.ts";
import { usable } from "../usage-error.ts";
import { levelAtElapsed, parseLevelScript } from "./level-script.ts";
import { type ListenOptions, resolveListen, untilAskedToEnd, withListenOptions } from "./listen-options.ts";

interface Options extends ListenOptions {
  readonly script: string;
  readonly loop?: boolean;
  readonly model: CemModel;
  readonly weighting: "A" | "C";
  readonly slow?: boolean;
  readonly hold?: boolean;
  readonly lowBattery?: boolean;
}

/** `shao sim cem`: a hand-held meter that streams. */
export function cemCommand(): Command {
  const command = new Command("cem")
    .description("a hand-held noise meter that streams: CEM DT-885x or PCE-322A")
    .option("--script <levels>", "dB x seconds, e.g. 60x120,85x40 (- is switched off), or a .json file", "55x60")
    .option("--loop", "begin the script again at its end instead of holding its last level")
    .addOption(new Option("--model <name>", "which").choices(["cem-dt885x", "pce-322a"]).default("cem-dt885x"))
    .addOption(new Option("--weighting <letter>", "its A/C key").choices(["A", "C"]).default("A"))
    .option("--slow", "Slow instead of Fast")
    .option("--hold", "MAX is pressed")
    .option("--low-battery", "its battery is low")
    .addHelpText("after", "\nExample: shao sim cem --pty /tmp/meter --script 60x120,85x40");
  return withListenOptions(command, false).action((options: Options, self: Command) =>
    usable(self, () => run(options)),
  );
}

async function run(options: Options): Promise<void> {
  const script = parseLevelScript(options.script);
  const listening = await resolveListen(options);
  const startedAtMs = Date.now();
  const simulator = await startCemSimulator({
    listen: listening.listen,
    model: options.model,
    levelAt: (atMs) => levelAtElapsed(script, atMs - startedAtMs, options.loop === true),
    keys: () => ({
      weighting: options.weighting,
      timeWeighting: options.slow === true ? "slow" : "fast",
      isHeld: options.hold === true,
      isBatteryLow: options.lowBattery === true,
    }),
  });
  const { framing: _, ...where } = { framing: undefined, ...listening.describe(simulator.port) };
  process.stdout.write(`${JSON.stringify({ listening: { ...where, kind: "cem", model: options.model } })}\n`);
  process.stderr.write("simulated meter sends; Ctrl-C ends it\n");
  await untilAskedToEnd();
  await simulator.close();
  await listening.release();
}

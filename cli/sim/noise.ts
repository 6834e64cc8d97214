import { Command, Option } from "commander";
import { isProfileName, PROFILE_NAMES } from "../../drivers/modbus-noise/profiles.ts";
import { type LineFaults, startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { UsageError, usable } from "../usage-error.ts";
import { levelAtElapsed, parseLevelScript } from "./level-script.ts";
import { type ListenOptions, resolveListen, untilAskedToEnd, withListenOptions } from "./listen-options.ts";

/** Shares that make a fault plain to see and leave most answers good. */
const FAULTS: Readonly<Record<string, (units: readonly number[]) => LineFaults>> = {
  late: () => ({ lateShare: 0.1, lateMs: 700 }),
  crc: () => ({ crcShare: 0.1 }),
  rubbish: () => ({ rubbishShare: 0.1 }),
  dead: (units) => ({ deadUnits: units.slice(-1) }),
};

interface Options extends ListenOptions {
  readonly script: string;
  readonly loop?: boolean;
  readonly ripple: string;
  readonly units: string;
  readonly profile: string;
  readonly fault?: readonly string[];
}

/** `shao sim noise`: meters that speak real Modbus. */
export function noiseCommand(): Command {
  const command = new Command("noise")
    .description("noise meters on Modbus, with levels by a script")
    .option("--script <levels>", "dB x seconds, e.g. 60x120,85x40 (- is no level), or a .json file", "55x60")
    .option("--loop", "begin the script again at its end instead of holding its last level")
    .option("--ripple <dB>", "lets each level move by up to so much, as real sound does", "0")
    .option("--units <list>", "Modbus units on the line", "1")
    .addOption(new Option("--profile <name>", "model of the meters").choices(PROFILE_NAMES).default("sonbest-sm7901b"))
    .addOption(
      new Option("--fault <kind...>", "late or spoilt answers (one in ten), or the last unit dead").choices(
        Object.keys(FAULTS),
      ),
    )
    .addHelpText(
      "after",
      "\nA gateway takes a level that never moves for a stuck or covered meter: give a --ripple of 1 or 2 in longer plays.\n" +
        "Example: shao sim noise --rtu-tcp 15020 --units 1,2 --script 60x120,85x40 --fault late",
    );
  return withListenOptions(command, true).action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const units = options.units.split(",").map(Number);
  if (units.some((unit) => !Number.isInteger(unit) || unit < 1 || unit > 247)) {
    throw new UsageError(`"${options.units}" is no list of units from 1 to 247, such as 1,2`);
  }
  const script = parseLevelScript(options.script);
  const rippleDb = Number(options.ripple);
  if (!(rippleDb >= 0 && rippleDb <= 20)) throw new UsageError(`"${options.ripple}" is no ripple of 0 to 20 dB`);
  const listening = await resolveListen(options);
  const startedAtMs = Date.now();
  const faults = Object.assign({}, ...(options.fault ?? []).map((kind) => FAULTS[kind]?.(units)));
  const simulator = await startNoiseSimulator({
    listen: listening.listen,
    units,
    profile: isProfileName(options.profile) ? options.profile : "sonbest-sm7901b",
    levelAt: (unit, atMs) => {
      const levelDb = levelAtElapsed(script, atMs - startedAtMs, options.loop === true);
      return levelDb === null ? null : levelDb + rippleDb * Math.sin(atMs / 2900 + unit) * Math.cos(atMs / 1300);
    },
    faults: () => faults,
  });
  const facts = { kind: "noise", units, profile: options.profile };
  process.stdout.write(`${JSON.stringify({ listening: { ...listening.describe(simulator.port), ...facts } })}\n`);
  process.stderr.write("simulated meters answer; Ctrl-C ends them\n");
  await untilAskedToEnd();
  await simulator.close();
  await listening.release();
}

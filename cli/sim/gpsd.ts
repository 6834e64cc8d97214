import { Command } from "commander";
import { startGpsdSimulator } from "../../drivers/gpsd/simulator.ts";
import { UsageError, usable } from "../usage-error.ts";
import { journey } from "./journey.ts";
import { type ListenOptions, resolveListen, untilAskedToEnd, withListenOptions } from "./listen-options.ts";

interface Options extends ListenOptions {
  readonly at: string;
  readonly to?: string;
  readonly speed: string;
  readonly period: string;
  readonly fix: boolean;
  readonly receiver: string | false;
}

/** `shao sim gpsd`: a gpsd with one receiver, for machines without Debian's. */
export function gpsdCommand(): Command {
  const command = new Command("gpsd")
    .description("a gpsd with one receiver, its JSON protocol")
    .option("--at <lat,lon>", "where it is", "39.912,116.456")
    .option("--to <lat,lon>", "where it drives to, and back again")
    .option("--speed <m/s>", "how fast it drives", "8")
    .option("--period <ms>", "between two fixes", "1000")
    .option("--receiver <path>", "path of its receiver", "/dev/ttyACM0")
    .option("--no-receiver", "none is plugged in")
    .option("--no-fix", "the receiver sees no sky")
    .addHelpText("after", "\nExample: shao sim gpsd --tcp 2947 --at 39.91,116.45 --to 39.92,116.47");
  return withListenOptions(command, false).action((options: Options, self: Command) =>
    usable(self, () => run(options)),
  );
}

async function run(options: Options): Promise<void> {
  const positionAt = options.fix ? journey(options) : () => undefined;
  const periodMs = Number(options.period);
  if (!(periodMs >= 50)) throw new UsageError(`"${options.period}" is no period of at least 50 ms`);
  const listening = await resolveListen(options);
  const receiver = options.receiver === false ? undefined : options.receiver;
  const simulator = await startGpsdSimulator({ listen: listening.listen, positionAt, periodMs, receiver });
  const { framing: _, ...where } = { framing: undefined, ...listening.describe(simulator.port) };
  process.stdout.write(`${JSON.stringify({ listening: { ...where, kind: "gpsd" } })}\n`);
  process.stderr.write("simulated gpsd serves; Ctrl-C ends it\n");
  await untilAskedToEnd();
  await simulator.close();
  await listening.release();
}

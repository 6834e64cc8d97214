import { Command, Option } from "commander";
import type { TcpAddress } from "../../drivers/driver.ts";
import { RECEIVER_MODES, type ReceiverStyle, startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { parseTcpAddress } from "../../drivers/net/tcp-address.ts";
import { UsageError, usable } from "../usage-error.ts";
import { journey } from "./journey.ts";
import {
  type Listening,
  type ListenOptions,
  resolveListen,
  untilAskedToEnd,
  withListenOptions,
} from "./listen-options.ts";

const TALKERS = ["GP", "GN", "GL", "GA", "BD", "GB", "GQ", "QZ"];

interface Options extends ListenOptions {
  readonly at: string;
  readonly to?: string;
  readonly speed: string;
  readonly period: string;
  readonly udp?: string;
  readonly talker: string;
  readonly mode: NonNullable<ReceiverStyle["mode"]>;
  readonly fix: boolean;
  readonly wrapped?: boolean;
}

/** `shao sim gps`: a receiver that stands, or drives to and fro. */
export function gpsCommand(): Command {
  const command = new Command("gps")
    .description("a GNSS receiver, NMEA 0183")
    .option("--at <lat,lon>", "where it is", "39.912,116.456")
    .option("--to <lat,lon>", "where it drives to, and back again")
    .option("--speed <m/s>", "how fast it drives", "8")
    .option("--period <ms>", "between two fixes", "1000")
    .option("--udp <host:port>", "send datagrams there, instead of listening")
    .addOption(new Option("--talker <id>", "first letters of its sentences").choices(TALKERS).default("GN"))
    .addOption(
      new Option("--mode <letter>", "A autonomous, D differential, R RTK, E dead reckoning, S simulated")
        .choices(RECEIVER_MODES)
        .default("A"),
    )
    .option("--no-fix", "it sees no sky")
    .option("--wrapped", "its week counter has wrapped: a date 1024 weeks back beside a valid fix")
    .addHelpText(
      "after",
      "\nExamples:\n  shao sim gps --tcp 14001 --at 39.91,116.45 --to 39.92,116.47 --speed 12\n" +
        "  shao sim gps --udp 127.0.0.1:10110 --talker BD",
    );
  return withListenOptions(command, false).action((options: Options, self: Command) =>
    usable(self, () => run(options)),
  );
}

async function run(options: Options): Promise<void> {
  const positionAt = options.fix ? journey(options) : () => undefined;
  const periodMs = Number(options.period);
  if (!(periodMs >= 50)) throw new UsageError(`"${options.period}" is no period of at least 50 ms`);
  const { talker, mode, wrapped = false } = options;
  const receiver = { positionAt, periodMs, style: { talker, mode, hasWrapped: wrapped } };
  const listening = options.udp === undefined ? await resolveListen(options) : towards(options.udp);
  const simulator = await startGpsSimulator({ ...receiver, listen: listening.listen });
  const { framing: _, ...where } = { framing: undefined, ...listening.describe(simulator.port) };
  process.stdout.write(`${JSON.stringify({ listening: { ...where, kind: "gps" } })}\n`);
  process.stderr.write("simulated receiver sends; Ctrl-C ends it\n");
  await untilAskedToEnd();
  await simulator.close();
  await listening.release();
}

/** Like a listening simulator, for one that sends datagrams. */
function towards(text: string): Omit<Listening, "listen"> & { readonly listen: { readonly udp: TcpAddress } } {
  try {
    return { listen: { udp: parseTcpAddress(text) }, describe: () => ({ udp: text }), release: async () => undefined };
  } catch {
    throw new UsageError(`"${text}" is no host:port, such as 127.0.0.1:10110`);
  }
}

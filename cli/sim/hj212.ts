import { Command, Option } from "commander";
import { startStationSimulator } from "../../drivers/hj212/simulator.ts";
import { parseTcpAddress } from "../../drivers/net/tcp-address.ts";
import { UsageError, usable } from "../usage-error.ts";
import { levelAtElapsed, parseLevelScript } from "./level-script.ts";
import { untilAskedToEnd } from "./listen-options.ts";

interface Options {
  readonly connect: string;
  readonly count: string;
  readonly mn: string;
  readonly password: string;
  readonly edition: string;
  readonly script: string;
  readonly loop?: boolean;
  readonly period: string;
  readonly minutes?: string;
  readonly dust?: boolean;
  readonly clockOffset: string;
}

/** `shao sim hj212`: stations that connect to a gateway and report. */
export function hj212Command(): Command {
  return new Command("hj212")
    .description("noise and dust stations that report by HJ 212")
    .option("--connect <host:port>", "where the gateway listens", "127.0.0.1:7212")
    .option("--count <n>", "how many stations; the last digits of the MN count up", "1")
    .option("--mn <number>", "MN of the first station", "010000A8900016F000100001")
    .option("--password <pw>", "PW", "123456")
    .addOption(new Option("--edition <year>", "of the standard").choices(["2005", "2017", "2025"]).default("2017"))
    .option("--script <levels>", "dB x seconds, e.g. 60x120,85x40, or a .json file", "55x60")
    .option("--loop", "begin the script again at its end instead of holding its last level")
    .option("--period <ms>", "between two real-time reports", "10000")
    .option("--minutes <seconds>", "also report the statistics of periods of so many seconds (60 to 3600)")
    .option("--dust", "dust and weather beside the level")
    .option("--clock-offset <s>", "how far the stations' clocks are ahead", "0")
    .addHelpText("after", "\nExample: shao sim hj212 --count 20 --period 1000 --script 60x120,85x40 --minutes 60")
    .action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const count = whole(options.count, 1, 5000, "count of stations");
  const periodMs = whole(options.period, 100, 3_600_000, "period in ms");
  const clockOffsetMs = whole(options.clockOffset, -86_400, 86_400, "offset in s") * 1000;
  const minutePeriodS = options.minutes === undefined ? undefined : whole(options.minutes, 60, 3600, "period in s");
  const script = parseLevelScript(options.script);
  const startedAtMs = Date.now();
  const connect = parseTcpAddress(options.connect);
  const names = Array.from({ length: count }, (_, index) => numbered(options.mn, index));
  if (new Set(names).size < count)
    throw new UsageError(`${options.mn} ends with too few digits to count ${count} stations`);
  const stations = names.map((mn, index) =>
    startStationSimulator({
      connect,
      mn,
      password: options.password,
      edition: options.edition === "2005" ? 2005 : options.edition === "2025" ? 2025 : 2017,
      levelAt: (atMs) => levelAtElapsed(script, atMs - startedAtMs, options.loop === true) ?? 0,
      periodMs,
      firstAfterMs: Math.floor((index * periodMs) / count),
      clockOffsetMs,
      hasDust: options.dust === true,
      ...(minutePeriodS !== undefined && { minutePeriodS }),
    }),
  );
  const ends = { first: names[0], last: names.at(-1) };
  process.stdout.write(`${JSON.stringify({ reporting: { to: options.connect, kind: "hj212", count, ...ends } })}\n`);
  process.stderr.write("simulated stations report; Ctrl-C ends them\n");
  await untilAskedToEnd();
  await Promise.all(stations.map((station) => station.close()));
  const sum = (key: "sent" | "answered" | "connections") => stations.reduce((all, { status }) => all + status[key], 0);
  const done = { sent: sum("sent"), answered: sum("answered"), connections: sum("connections") };
  process.stdout.write(`${JSON.stringify({ reported: done })}\n`);
}

/** The same number with its last digits counted up, as long as before. */
function numbered(mn: string, index: number): string {
  const digits = /\d{0,6}$/.exec(mn)?.[0] ?? "";
  if (digits === "" && index > 0) return `${mn}${index}`;
  return `${mn.slice(0, mn.length - digits.length)}${String((Number(digits) + index) % 10 ** digits.length).padStart(digits.length, "0")}`;
}

function whole(text: string, least: number, most: number, what: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`"${text}" is no ${what} from ${least} to ${most}`);
}

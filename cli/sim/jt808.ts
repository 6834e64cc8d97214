import { Command } from "commander";
import { type SimulatedTerminal, startTerminal } from "../../drivers/jt808/simulator.ts";
import { parseTcpAddress } from "../../drivers/net/tcp-address.ts";
import { UsageError, usable } from "../usage-error.ts";
import { untilAskedToEnd } from "./listen-options.ts";
import { roundTrip } from "./round-trip.ts";

const MOST_TERMINALS = 20_000;
/** Terminals that connect at once: a server's queue of new connections is short. */
const TOGETHER = 50;

interface Options {
  readonly to: string;
  readonly count: string;
  readonly period: string;
  readonly firstPhone: string;
  readonly edition: string;
  readonly at: string;
  readonly sos?: string;
}

/** `shao sim jt808`: terminals that drive about and connect to a server. */
export function jt808Command(): Command {
  return new Command("jt808")
    .description("vehicle terminals, JT/T 808, which connect to a gateway")
    .requiredOption("--to <host:port>", "the listener of the gateway")
    .option("--count <n>", "how many", "1")
    .option("--period <ms>", "between two locations of each", "10000")
    .option("--first-phone <digits>", "phone number of the first; the others count on", "13900000001")
    .option("--edition <year>", "of the standard: 2013 or 2019", "2013")
    .option("--at <lat,lon>", "about where they drive", "39.912,116.456")
    .option("--sos <n@seconds>", "the terminal that presses its emergency button, and when")
    .addHelpText("after", "\nExample: shao sim jt808 --to 127.0.0.1:7611 --count 20 --period 5000 --sos 3@20")
    .action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const { host, port } = parseTcpAddress(options.to);
  const count = whole(options.count, 1, MOST_TERMINALS, "count");
  const periodMs = whole(options.period, 100, 3_600_000, "period");
  const { edition } = options;
  if (edition !== "2013" && edition !== "2019") throw new UsageError(`there is no edition "${edition}"; 2013 or 2019`);
  if (!/^[0-9]{1,11}$/.test(options.firstPhone)) throw new UsageError(`"${options.firstPhone}" is no phone number`);
  const sos = parseSos(options.sos, count);
  const terminals: SimulatedTerminal[] = [];
  const open = async (index: number): Promise<void> => {
    const phone = String(Number(options.firstPhone) + index).padStart(12, "0");
    const placeAt = roundTrip(options.at, index);
    const delayMs = (index * periodMs) / count;
    const onText = (text: string) => process.stdout.write(`${JSON.stringify({ text: { phone, text } })}\n`);
    const terminal = await startTerminal({ host, port, phone, edition, periodMs, placeAt, delayMs, onText });
    terminals[index] = terminal;
    await terminal.ready;
  };
  for (let from = 0; from < count; from += TOGETHER) {
    const some = Array.from({ length: Math.min(TOGETHER, count - from) }, (_, index) => open(from + index));
    await Promise.all(some);
  }
  process.stdout.write(`${JSON.stringify({ connected: { tcp: options.to, kind: "jt808", terminals: count } })}\n`);
  process.stderr.write("simulated terminals drive; Ctrl-C ends them\n");
  const pressing = sos && setTimeout(() => terminals[sos.index]?.pressSos(), sos.afterS * 1000);
  await untilAskedToEnd();
  clearTimeout(pressing);
  await Promise.all(terminals.map((terminal) => terminal.close()));
}

function whole(text: string, least: number, most: number, what: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`"${text}" is no ${what} from ${least} to ${most}`);
}

function parseSos(text: string | undefined, count: number): { index: number; afterS: number } | undefined {
  if (text === undefined) return undefined;
  const [, nth, afterS] = /^(\d+)@(\d+)$/.exec(text) ?? [];
  if (nth === undefined || Number(nth) < 1 || Number(nth) > count) {
    throw new UsageError(`"${text}" is no terminal and time such as 1@20`);
  }
  return { index: Number(nth) - 1, afterS: Number(afterS) };
}

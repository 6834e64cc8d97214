import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { type RadioSimulator, startRadioSimulator } from "../../drivers/tetra-pei/simulator.ts";
import { METRES_PER_DEGREE } from "../../protocol/geodesy.ts";
import { UsageError, usable } from "../usage-error.ts";
import { type ListenOptions, resolveListen, untilAskedToEnd, withListenOptions } from "./listen-options.ts";

const MAXIMUM_INTERVAL = 129;
const EMERGENCY = 2;

interface Options extends ListenOptions {
  readonly handsets: string;
  readonly at: string;
  readonly period: string;
  readonly text?: string;
  readonly status?: string;
  readonly emergency?: string;
  readonly busy?: string;
  readonly echo?: boolean;
  readonly restart?: string;
}

/** `shao sim radio`: a TETRA radio whose handsets walk, and write, and call for help. */
export function radioCommand(): Command {
  const command = new Command("radio")
    .description("a TETRA radio on its PEI, with handsets that walk about")
    .option("--handsets <list>", "their numbers", "2345678,2345679")
    .option("--at <lat,lon>", "where they walk", "39.912,116.456")
    .option("--period <ms>", "between two places of a handset", "10000")
    .option("--text <text>", "each handset writes this after its first place, and asks for a report")
    .option("--status <code>", "each handset sends this status after its first place")
    .option("--emergency <seconds>", "the first handset calls for help after so long, and with each place from then on")
    .option("--busy <n>", "refuse each command so often as busy (+CME ERROR: 42)")
    .option("--echo", "echo commands whatever it is told")
    .option("--restart <seconds>", "restart so often, and forget what it was told")
    .addHelpText(
      "after",
      "\nExample: shao sim radio --pty /tmp/radio --text 到达现场 --emergency 30 --busy 2 --restart 60",
    );
  return withListenOptions(command, false).action((options: Options, self: Command) =>
    usable(self, () => run(options)),
  );
}

async function run(options: Options): Promise<void> {
  const handsets = options.handsets.split(",").map((number) => number.trim());
  if (handsets.some((number) => !/^[0-9]{1,8}$/.test(number)))
    throw new UsageError(`"${options.handsets}" are no numbers`);
  const centre = placeOf(options.at);
  const periodMs = numberOf(options.period, "--period", 100);
  const busyTimes = options.busy === undefined ? 0 : numberOf(options.busy, "--busy", 0);
  const listening = await resolveListen(options);
  const radio = await startRadioSimulator({
    listen: listening.listen,
    issi: "1000001",
    handsets,
    faults: { busyTimes, alwaysEchoes: options.echo === true },
  });
  const { framing: _, ...where } = { framing: undefined, ...listening.describe(radio.port) };
  process.stdout.write(`${JSON.stringify({ listening: { ...where, kind: "radio" }, handsets })}\n`);
  process.stderr.write("simulated radio waits for a gateway; Ctrl-C ends it\n");
  const stop = new AbortController();
  const acting = [walk(radio, handsets, centre, periodMs, options, stop.signal)];
  if (options.restart !== undefined) {
    acting.push(restart(radio, numberOf(options.restart, "--restart", 1) * 1000, stop.signal));
  }
  await untilAskedToEnd();
  stop.abort();
  await Promise.all(acting);
  await radio.close();
  await listening.release();
}

/** Each handset on a circle of its own around the centre, at 1.4 m/s. */
async function walk(
  radio: RadioSimulator,
  handsets: readonly string[],
  centre: { readonly latitudeDeg: number; readonly longitudeDeg: number },
  periodMs: number,
  { text, status, emergency }: Options,
  signal: AbortSignal,
): Promise<void> {
  const callsFromMs = emergency === undefined ? Number.POSITIVE_INFINITY : numberOf(emergency, "--emergency", 0) * 1000;
  const code = status === undefined ? undefined : numberOf(status, "--status", 0);
  const startedAtMs = Date.now();
  for (let round = 0; ; round++) {
    try {
      await wait(periodMs, undefined, { signal });
    } catch {
      return;
    }
    const elapsedMs = Date.now() - startedAtMs;
    for (const [index, handset] of handsets.entries()) {
      const radiusM = 50 + 25 * index;
      const angle = (1.4 * elapsedMs) / 1000 / radiusM + index;
      const isCalling = index === 0 && elapsedMs >= callsFromMs;
      radio.locate(handset, {
        latitudeDeg: centre.latitudeDeg + (radiusM * Math.cos(angle)) / METRES_PER_DEGREE,
        longitudeDeg:
          centre.longitudeDeg +
          (radiusM * Math.sin(angle)) / (METRES_PER_DEGREE * Math.cos((centre.latitudeDeg * Math.PI) / 180)),
        speedMps: 1.4,
        bearingDeg: ((angle * 180) / Math.PI + 90) % 360,
        reason: isCalling ? EMERGENCY : MAXIMUM_INTERVAL,
      });
      if (round !== 0) continue;
      if (text !== undefined) radio.text(handset, text, "received");
      if (code !== undefined) radio.status(handset, code);
    }
  }
}

async function restart(radio: RadioSimulator, everyMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await wait(everyMs, undefined, { signal });
    } catch {
      return;
    }
    radio.restart({ forMs: 1000 });
  }
}

function numberOf(text: string, option: string, minimum: number): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < minimum) throw new UsageError(`"${text}" is no number for ${option}`);
  return value;
}

function placeOf(text: string): { readonly latitudeDeg: number; readonly longitudeDeg: number } {
  const [latitudeDeg = Number.NaN, longitudeDeg = Number.NaN, ...rest] = text.split(",").map(Number);
  if (rest.length > 0 || !(Math.abs(latitudeDeg) <= 89) || !(Math.abs(longitudeDeg) <= 180)) {
    throw new UsageError(`"${text}" is no latitude,longitude such as 39.912,116.456`);
  }
  return { latitudeDeg, longitudeDeg };
}

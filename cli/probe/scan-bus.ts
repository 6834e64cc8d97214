import { setTimeout as wait } from "node:timers/promises";
import type { BusConfig } from "../../drivers/bus/bus-config.ts";
import { BusRegistry } from "../../drivers/bus/bus-registry.ts";
import type { BusLease, BusSettings } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { type FittingProfile, fittingProfiles, type Guess, guessOf } from "./guess.ts";
import { LineTap } from "./line-tap.ts";
import { type Exchange, type WiringFault, wiringFaults } from "./wiring.ts";

/** The makers' usual ones, the most usual first. */
export const BAUD_RATES = [9600, 4800, 19_200, 115_200];
export const PARITIES = ["none", "even", "odd"] as const;
export const TIMEOUT_MS = 200;
/** Another master polls at least so often. */
const LISTEN_MS = 1200;
/** Of each unit that was found: a line that spoils one answer of twenty shows it. */
const QUALITY_QUESTIONS = 20;
/** A second meter of the same address answers a little later than the first. */
const SECOND_ANSWER_MS = 40;

export interface LineSettings {
  readonly baudRate?: number;
  readonly parity?: "none" | "even" | "odd";
}

export type ScanStep =
  | { readonly share: number; readonly trying: LineSettings }
  | ({
      readonly unit: number;
      /** Profiles whose register gives a level that the meter can mean, the likeliest first. */
      readonly fits: readonly FittingProfile[];
      readonly guess?: Guess;
    } & LineSettings)
  | ({ readonly wiring: WiringFault } & LineSettings)
  | { readonly code: string; readonly message: string; readonly hint: string };

export interface ScanOptions {
  readonly first: number;
  readonly last: number;
  readonly baudRates?: readonly number[];
  readonly parities?: readonly ("none" | "even" | "odd")[];
  /** Goes on with other settings where a unit was found: a line has but one. */
  readonly isThorough?: boolean;
  /** The bus of a running gateway: it is not opened, and its settings stay as they are. */
  readonly lease?: BusLease;
}

/**
 * Asks every unit, on a serial line at every setting beginning with the configured one, whether it is there; then says what
 * the bytes of the line tell of its wires.
 */
export async function* scanBus(config: BusConfig, options: ScanOptions): AsyncGenerator<ScanStep> {
  const { port, settings } = config;
  const { first, last, lease } = options;
  const tries = lease !== undefined || !("serial" in port) ? [settings] : lineSettings(settings, options);
  const units = last - first + 1;
  const tap = lease === undefined && !isMbap(config) ? new LineTap() : undefined;
  const inVain: Exchange[] = [];
  let unasked: Uint8Array = new Uint8Array();
  for (const [index, line] of tries.entries()) {
    const named: LineSettings =
      "serial" in port ? { baudRate: line.baudRate ?? 9600, parity: line.parity ?? "none" } : {};
    // New buses for each setting: what a unit owes at another one it will not pay here.
    const links = new BusRegistry(systemClock(), tap?.open);
    const exchanges: Exchange[] = [];
    const found: number[] = [];
    try {
      await using bus = lease ?? (await links.openBus(port, line));
      if (index === 0 && tap !== undefined) {
        await wait(LISTEN_MS);
        unasked = tap.take();
      }
      for (let unit = first; unit <= last; unit++) {
        yield { share: (index * units + unit - first) / (tries.length * units), trying: named };
        const exchange = await ask(bus, unit, tap);
        exchanges.push(exchange);
        if (exchange.outcome !== "answered") continue;
        found.push(unit);
        const fits = await fittingProfiles(bus, unit, named, TIMEOUT_MS);
        const guess = guessOf(fits);
        yield { unit, ...named, fits, ...(guess !== undefined && { guess }) };
      }
      if (found.length > 0 && tap !== undefined) {
        await wait(SECOND_ANSWER_MS);
        tap.take();
        for (const unit of found) {
          for (let at = 0; at < QUALITY_QUESTIONS; at++) exchanges.push(await ask(bus, unit, tap, SECOND_ANSWER_MS));
        }
        for (const wiring of wiringFaults(exchanges, unasked)) yield { wiring, ...named };
      }
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      const { code, message, hint } = error;
      yield { code, message, hint };
      return;
    }
    if (found.length > 0) inVain.length = 0;
    else inVain.push(...exchanges);
    if (found.length > 0 && options.isThorough !== true) return;
  }
  if (tap !== undefined) for (const wiring of wiringFaults(inVain, unasked)) yield { wiring };
}

/** Modbus TCP has no line of ours: what is behind it only its gateway sees. */
function isMbap({ port, settings }: BusConfig): boolean {
  return "tcp" in port && settings.framing !== "rtu";
}

function lineSettings(own: BusSettings, { baudRates = BAUD_RATES, parities = PARITIES }: ScanOptions): BusSettings[] {
  const rates = [...new Set([own.baudRate ?? 9600, ...baudRates])];
  const each = [...new Set([own.parity ?? "none", ...parities])];
  return each.flatMap((parity) => rates.map((baudRate) => ({ ...own, baudRate, parity })));
}

/** An exception is an answer too: somebody is there. That a gateway finds nobody is none. */
async function ask(bus: BusLease, unit: number, tap: LineTap | undefined, settleMs = 0): Promise<Exchange> {
  const isThere = await answers(bus, unit);
  if (settleMs > 0) await wait(settleMs);
  const heard = tap?.take() ?? new Uint8Array();
  return { unit, heard, outcome: isThere ? "answered" : heard.length > 0 ? "spoilt" : "silent" };
}

async function answers(bus: BusLease, unit: number): Promise<boolean> {
  try {
    await bus.modbus({ unit, function: "read-holding", address: 0, count: 1, timeoutMs: TIMEOUT_MS }, "command");
    return true;
  } catch (error) {
    if (error instanceof DriverError && error.code === "MODBUS_EXCEPTION") return true;
    if (error instanceof DriverError && error.code.startsWith("MODBUS_")) return false;
    throw error;
  }
}

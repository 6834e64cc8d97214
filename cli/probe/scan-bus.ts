import type { BusConfig } from "../../drivers/bus/bus-config.ts";
import { deviceLinks } from "../../drivers/device-links.ts";
import type { BusLease, BusSettings } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { type FittingProfile, fittingProfiles, type Guess, guessOf } from "./guess.ts";

/** The makers' usual ones, the most usual first. */
export const BAUD_RATES = [9600, 4800, 19_200, 115_200];
export const PARITIES = ["none", "even", "odd"] as const;
export const TIMEOUT_MS = 200;

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

/** Asks every unit, on a serial line at every setting beginning with the configured one, whether it is there. */
export async function* scanBus({ port, settings }: BusConfig, options: ScanOptions): AsyncGenerator<ScanStep> {
  const { first, last, lease } = options;
  const tries = lease !== undefined || !("serial" in port) ? [settings] : lineSettings(settings, options);
  const units = last - first + 1;
  for (const [index, line] of tries.entries()) {
    const named: LineSettings =
      "serial" in port ? { baudRate: line.baudRate ?? 9600, parity: line.parity ?? "none" } : {};
    // New buses for each setting: what a unit owes at another one it will not pay here.
    const links = deviceLinks(systemClock());
    let found = 0;
    try {
      await using bus = lease ?? (await links.openBus(port, line));
      for (let unit = first; unit <= last; unit++) {
        yield { share: (index * units + unit - first) / (tries.length * units), trying: named };
        if (!(await isThere(bus, unit))) continue;
        found++;
        const fits = await fittingProfiles(bus, unit, named, TIMEOUT_MS);
        const guess = guessOf(fits);
        yield { unit, ...named, fits, ...(guess !== undefined && { guess }) };
      }
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      const { code, message, hint } = error;
      yield { code, message, hint };
      return;
    }
    if (found > 0 && options.isThorough !== true) return;
  }
}

function lineSettings(own: BusSettings, { baudRates = BAUD_RATES, parities = PARITIES }: ScanOptions): BusSettings[] {
  const rates = [...new Set([own.baudRate ?? 9600, ...baudRates])];
  const each = [...new Set([own.parity ?? "none", ...parities])];
  return each.flatMap((parity) => rates.map((baudRate) => ({ ...own, baudRate, parity })));
}

/** An exception is an answer too: somebody is there. That a gateway finds nobody is none. */
async function isThere(bus: BusLease, unit: number): Promise<boolean> {
  try {
    await bus.modbus({ unit, function: "read-holding", address: 0, count: 1, timeoutMs: TIMEOUT_MS }, "command");
    return true;
  } catch (error) {
    if (error instanceof DriverError && error.code === "MODBUS_EXCEPTION") return true;
    if (error instanceof DriverError && error.code.startsWith("MODBUS_")) return false;
    throw error;
  }
}

import type { BusConfig } from "../../drivers/bus/bus-config.ts";
import { deviceLinks } from "../../drivers/device-links.ts";
import type { BusLease } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { decodeLevel } from "../../drivers/modbus-noise/decode.ts";
import { PROFILE_NAMES, resolveProfile } from "../../drivers/modbus-noise/profiles.ts";
import { levelBlock } from "../../drivers/modbus-noise/read-plan.ts";
import { systemClock } from "../../gateway/system-clock.ts";

const BAUD_RATES = [9600, 4800, 19_200, 115_200];
const TIMEOUT_MS = 200;

export type ScanStep =
  | { readonly share: number }
  | {
      readonly unit: number;
      readonly baudRate?: number;
      /** Profiles whose register gives a level that the meter can mean. */
      readonly fits: readonly { readonly profile: string; readonly levelDb: number }[];
    }
  | { readonly code: string; readonly message: string; readonly hint: string };

/** Asks every unit, on a serial line at every usual baud rate beginning with the configured one, whether it is there. */
export async function* scanBus({ port, settings }: BusConfig, first: number, last: number): AsyncGenerator<ScanStep> {
  const own = settings.baudRate;
  const rates = "serial" in port ? [...new Set([own ?? 9600, ...BAUD_RATES])] : [undefined];
  const clock = systemClock();
  const links = deviceLinks(clock);
  const units = last - first + 1;
  for (const [index, baudRate] of rates.entries()) {
    try {
      await using bus = await links.openBus(port, { ...settings, ...(baudRate !== undefined && { baudRate }) });
      for (let unit = first; unit <= last; unit++) {
        yield { share: (index * units + unit - first) / (rates.length * units) };
        if (!(await isThere(bus, unit))) continue;
        yield { unit, ...(baudRate !== undefined && { baudRate }), fits: await fittingProfiles(bus, unit) };
      }
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      const { code, message, hint } = error;
      yield { code, message, hint };
      return;
    }
  }
}

/** An exception is an answer too: somebody is there. */
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

async function fittingProfiles(
  bus: BusLease,
  unit: number,
): Promise<readonly { readonly profile: string; readonly levelDb: number }[]> {
  const fits: { readonly profile: string; readonly levelDb: number }[] = [];
  for (const name of PROFILE_NAMES) {
    const profile = resolveProfile(name);
    const { function: kind, address, count } = levelBlock(profile);
    try {
      const words = await bus.modbus({ unit, function: kind, address, count, timeoutMs: TIMEOUT_MS }, "command");
      const { levelDb, flags } = decodeLevel(words, profile);
      if (flags.length === 0 && levelDb !== null) fits.push({ profile: name, levelDb });
    } catch (error) {
      if (!(error instanceof DriverError) || !error.code.startsWith("MODBUS_")) throw error;
    }
  }
  return fits;
}

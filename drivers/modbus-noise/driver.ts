import type { Driver } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { modbusNoiseConfig } from "./config.ts";
import { decodeLevel } from "./decode.ts";
import { resolveProfile } from "./profiles.ts";

/** Refusals that say "this register does not exist": no retry can help while the profile stays. */
const MAP_REFUSALS = 5;

/** Faults of this one meter, while its bus works. */
const UNIT_FAULTS = ["MODBUS_TIMEOUT", "MODBUS_SKIPPED", "MODBUS_CRC", "MODBUS_UNEXPECTED", "MODBUS_EXCEPTION"];

export const modbusNoise: Driver<typeof modbusNoiseConfig> = {
  kind: "modbus-noise",
  config: modbusNoiseConfig,

  check({ profile, periodMs, timeoutMs }) {
    const { minPeriodMs = 0, validDb } = resolveProfile(profile);
    const faults = [];
    if (timeoutMs >= periodMs) {
      faults.push({
        pointer: "/timeoutMs",
        message: `timeoutMs ${timeoutMs} is not shorter than periodMs ${periodMs}`,
        hint: "A silent meter would cost its bus every period. Choose a third of the period, e.g. 300 with 1000.",
      });
    }
    if (periodMs < minPeriodMs) {
      faults.push({
        pointer: "/periodMs",
        message: `periodMs ${periodMs} is shorter than this model stands (${minPeriodMs})`,
        hint: "Choose 1000.",
      });
    }
    if (validDb[0] >= validDb[1]) {
      faults.push({
        pointer: "/profile/validDb",
        message: `the measuring range [${validDb[0]}, ${validDb[1]}] is empty`,
        hint: "Give the lower end first, e.g. [30, 130].",
      });
    }
    return faults;
  },

  async run(config, { openBus, clock, online, fault, emit, signal }) {
    const profile = resolveProfile(config.profile);
    const quantity = config.quantity ?? profile.quantity;
    await using bus = await openBus(config.bus.port, config.bus.settings);
    let refusals = 0;

    for await (const _ of bus.every(config.periodMs, signal)) {
      try {
        const [raw] = await bus.modbus({
          unit: config.unit,
          function: profile.function,
          address: profile.address,
          count: 1,
          timeoutMs: config.timeoutMs,
        });
        if (raw === undefined) continue;
        refusals = 0;
        online();
        await emit({ kind: "noise", ...decodeLevel(raw, profile), quantity, atMs: clock.nowMs() });
      } catch (error) {
        if (!(error instanceof DriverError) || !UNIT_FAULTS.includes(error.code)) throw error;
        refusals = error.code === "MODBUS_EXCEPTION" && error.retry === "never" ? refusals + 1 : 0;
        if (refusals >= MAP_REFUSALS) throw error;
        fault(error);
      }
    }
  },
};

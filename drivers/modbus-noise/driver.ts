import type { BusLease, Driver } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { profileFaults } from "./check-profile.ts";
import { modbusNoiseConfig } from "./config.ts";
import { decodeLevel, decodeMeasurement } from "./decode.ts";
import { resolveProfile } from "./profiles.ts";
import { levelBlock, type ReadBlock, readPlan } from "./read-plan.ts";

/** Refusals that say "this register does not exist": no retry can help while the profile stays. */
const MAP_REFUSALS = 5;

/** Faults of this one meter, while its bus works. */
const UNIT_FAULTS = [
  "MODBUS_TIMEOUT",
  "MODBUS_SKIPPED",
  "MODBUS_CRC",
  "MODBUS_UNEXPECTED",
  "MODBUS_EXCEPTION",
  "MODBUS_GATEWAY",
];

export const modbusNoise: Driver<typeof modbusNoiseConfig> = {
  kind: "modbus-noise",
  config: modbusNoiseConfig,

  check({ profile: named, periodMs, timeoutMs }) {
    const profile = resolveProfile(named);
    const { minPeriodMs = 0 } = profile;
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
    return [...faults, ...profileFaults(profile).map((fault) => ({ ...fault, pointer: `/profile${fault.pointer}` }))];
  },

  async run(config, { openBus, clock, online, fault, emit, signal }) {
    const profile = resolveProfile(config.profile);
    const quantity = config.quantity ?? profile.quantity;
    const level = levelBlock(profile);
    const plan = readPlan(profile);
    await using bus = await openBus(config.bus.port, config.bus.settings);
    /** What is still to be read of this round of measurements: one request a slot, so that no other meter waits long. */
    let due: readonly ReadBlock[] = [];
    let roundAtMs = Number.NEGATIVE_INFINITY;
    let refusals = 0;

    const ask = async (block: ReadBlock): Promise<void> => {
      const words = await read(bus, block, config);
      const atMs = clock.nowMs();
      for (const { measurement, address, count } of block.fields) {
        const own = words.slice(address - block.address, address - block.address + count);
        if (measurement === undefined) {
          refusals = 0;
          online();
          await emit({ kind: "noise", ...decodeLevel(own, profile), quantity, atMs });
        } else await emit({ ...decodeMeasurement(own, measurement), atMs });
      }
    };

    for await (const _ of bus.every(config.periodMs, signal)) {
      const hasMeasurements = (profile.measurements ?? []).length > 0;
      if (
        hasMeasurements &&
        due.length === 0 &&
        clock.upMs() - roundAtMs >= config.measurementPeriodMs - config.periodMs / 2
      ) {
        due = plan;
        roundAtMs = clock.upMs();
      }
      const [next, ...later] = due;
      const isLevelIn = next?.fields.some(({ measurement }) => measurement === undefined) === true;
      for (const block of isLevelIn || next === undefined ? [next ?? level] : [level, next]) {
        if (block === next) due = later;
        try {
          await ask(block);
        } catch (error) {
          if (!(error instanceof DriverError) || !UNIT_FAULTS.includes(error.code)) throw error;
          const isRefusal = error.code === "MODBUS_EXCEPTION" && error.retry === "never";
          // A refused measurement is told each round; only the level decides whether the map fits at all.
          if (block === level) refusals = isRefusal ? refusals + 1 : 0;
          if (refusals >= MAP_REFUSALS) throw error;
          fault(error);
          break;
        }
      }
    }
  },
};

function read(
  bus: BusLease,
  block: ReadBlock,
  config: { unit: number; timeoutMs: number },
): Promise<readonly number[]> {
  const { function: kind, address, count } = block;
  return bus.modbus({ unit: config.unit, function: kind, address, count, timeoutMs: config.timeoutMs });
}

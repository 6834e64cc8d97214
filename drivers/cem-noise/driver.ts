import type { Driver } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ahead } from "../net/ahead.ts";
import { lineClosed, openOwnLine, orQuiet, ownLineFaults } from "../serial/own-line.ts";
import { cemNoiseConfig } from "./config.ts";
import { meterStream, sampledLevel } from "./decode.ts";
import type { MeterSample } from "./meter-stream.ts";
import { PCE_CONNECT } from "./pce-stream.ts";

const BAUD_RATES = { "cem-dt885x": 9600, "pce-322a": 115_200 } as const;
/** Samples without a word on weighting after which it is said aloud: the meter repeats it about twice a second. */
const UNSAID_SAMPLES = 100;
const SILENT_PERIODS = 3;

export const cemNoise: Driver<typeof cemNoiseConfig> = {
  kind: "cem-noise",
  config: cemNoiseConfig,
  check: ownLineFaults,

  async run(config, context) {
    const { clock, online, fault, emit } = context;
    const { model, periodMs, baudRate = BAUD_RATES[model] } = config;
    await using link = await openOwnLine(config, { baudRate }, context);
    let stream = meterStream(model);
    const chunks = link[Symbol.asyncIterator]();
    let next = ahead(chunks);
    let lastSlot: number | undefined;
    let unsaid = 0;

    const take = async (sample: MeterSample): Promise<void> => {
      const slot = Math.floor(clock.upMs() / periodMs);
      if (slot === lastSlot) return;
      const level = sampledLevel(sample);
      if (level === undefined) {
        if (++unsaid % UNSAID_SAMPLES === 0) fault(unsaidFault());
        return;
      }
      lastSlot = slot;
      online();
      if (sample.isBatteryLow) fault(batteryFault());
      await emit({ ...level, atMs: clock.nowMs() });
    };

    if (model === "pce-322a") await link.write(PCE_CONNECT);
    for (;;) {
      const chunk = await orQuiet(next, SILENT_PERIODS * periodMs, clock);
      if (chunk === "quiet") {
        // Whoever switches it off and on may have set its keys anew: what it said before holds no longer.
        for (const item of stream.end()) if ("fault" in item) fault(item.fault);
        stream = meterStream(model);
        // A meter that was switched on late has not heard that it should send.
        if (model === "pce-322a") await link.write(PCE_CONNECT);
        continue;
      }
      if (chunk.done === true) throw lineClosed(link.peer);
      next = ahead(chunks);
      for (const item of stream.push(chunk.value)) {
        if ("fault" in item) {
          fault(item.fault);
          continue;
        }
        try {
          await take(item.sample);
        } catch (error) {
          if (!(error instanceof DriverError)) throw error;
          lastSlot = Math.floor(clock.upMs() / periodMs);
          fault(error);
        }
      }
    }
  },
};

function unsaidFault(): DriverError {
  return new DriverError("METER_WEIGHTING", "the meter sends levels and does not say how they are weighted", {
    retry: "backoff",
    hint: "Press its A/C key twice, so that it says so. A level of unknown weighting is not used.",
  });
}

function batteryFault(): DriverError {
  return new DriverError("METER_BATTERY_LOW", "the meter says that its battery is low", {
    retry: "backoff",
    hint: "Change the battery, or feed the meter from its adapter: it will soon switch itself off.",
  });
}

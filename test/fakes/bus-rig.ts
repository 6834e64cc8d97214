import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { BusRegistry } from "../../drivers/bus/bus-registry.ts";
import type { ByteLink, Driver, DriverContext, Reading } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** One driver on a bus in memory, as far as a run goes. */
export interface BusRun {
  readonly readings: readonly Reading[];
  readonly faults: readonly DriverError[];
  /** How often it said that it is online. */
  readonly online: () => number;
  /** What ended it; undefined while it runs. */
  readonly ended: () => unknown;
  stop(): Promise<void>;
}

/** The node's buses over a line that is made up, on a virtual clock. */
export function busRig(clock: VirtualClock, open: () => ByteLink) {
  const buses = new BusRegistry(clock, async () => open());
  const never = () => Promise.reject(new Error("no such link here"));
  return {
    buses,
    run<S extends TSchema>(driver: Driver<S>, config: object): BusRun {
      const readings: Reading[] = [];
      const faults: DriverError[] = [];
      const stop = new AbortController();
      let online = 0;
      let ended: unknown;
      const context: DriverContext = {
        signal: stop.signal,
        clock,
        openBus: (port, settings) => buses.openBus(port, settings),
        openSerial: never,
        openTcp: never,
        openUdp: never,
        listenTcp: never,
        online: () => {
          online++;
        },
        fault: (error) => faults.push(error),
        emit: async (reading) => void readings.push(reading),
        commands: (async function* () {})(),
      };
      const bus = { port: { serial: "line" }, settings: { baudRate: 9600 } };
      const whole = { ...(Value.Default(driver.config, { bus: "line", ...config }) as object), bus };
      const running = driver.run(whole as never, context).then(
        () => {
          ended = new DriverError("DRIVER_RETURNED", "it ended by itself", { retry: "backoff", hint: "None." });
        },
        (error: unknown) => {
          ended = error;
        },
      );
      return {
        readings,
        faults,
        online: () => online,
        ended: () => ended,
        async stop() {
          stop.abort();
          await clock.advance(10_000);
          await running;
        },
      };
    },
  };
}

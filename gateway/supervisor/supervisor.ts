import type { Clock, Driver } from "../../drivers/driver.ts";
import type { HealthState } from "../../protocol/bodies.ts";
import type { Logger } from "../contracts/logger.ts";
import type { DeviceHealth, DeviceReading } from "../contracts/readings.ts";
import { type CommandOrder, type CommandOutcome, refused } from "./command-inbox.ts";
import { DeviceSupervisor, type SupervisedDevice } from "./device-supervisor.ts";
import type { DeviceLinks } from "./run-context.ts";

const TICK_MS = 500;

export interface SupervisorOptions {
  readonly devices: readonly SupervisedDevice[];
  /** `loadDriver` of drivers/registry.ts. */
  readonly load: (kind: string) => Promise<Driver | undefined>;
  /** `deviceLinks` of drivers/device-links.ts. */
  readonly links: DeviceLinks;
  readonly clock: Clock;
  /** A promise that it returns is waited for by the driver: back-pressure. */
  readonly onReading: (reading: DeviceReading) => Promise<unknown> | undefined;
  readonly onHealth: (health: DeviceHealth) => void;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly random?: () => number;
  /** Whether the bytes of a device are to be told at `debug`. */
  readonly isTraced?: (device: string) => boolean;
}

export interface Supervisor {
  /** Resolves when every driver has ended after `signal` aborted. Never rejects. */
  readonly done: Promise<void>;
  /** Health of every device and subject, now. */
  health(): readonly DeviceHealth[];
  /** Of one device, now; undefined where there is none of this name. */
  stateOf(device: string): HealthState | undefined;
  /** Parks all devices but one: polled `slowBy` times more rarely. 1: they drive on. */
  park(slowBy: number, except: string): void;
  /** Hands a command to its device. Resolves to its one outcome, never rejects. */
  deliver(order: CommandOrder): Promise<CommandOutcome>;
}

/** Starts the drivers of all devices. One device's trouble never stops another. */
export function startSupervisor(options: SupervisorOptions): Supervisor {
  const { clock, signal, log, random = Math.random, load, links, onReading, onHealth } = options;
  const supervisors = new Map(
    options.devices.map((device) => [
      device.id,
      new DeviceSupervisor({
        ...{ device, load, links, clock, random, log, onReading, onHealth },
        isTraced: () => options.isTraced?.(device.id) === true,
      }),
    ]),
  );
  const served = Promise.all([...supervisors.values()].map((supervisor) => supervisor.serve(signal)));
  void (async () => {
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal);
      if (signal.aborted) break;
      for (const supervisor of supervisors.values()) supervisor.tick();
    }
  })();
  return {
    done: served.then(() => undefined),
    health: () => [...supervisors.values()].flatMap((supervisor) => supervisor.health),
    stateOf: (device) => supervisors.get(device)?.state,
    park(slowBy, except) {
      for (const [id, supervisor] of supervisors) if (id !== except) supervisor.park(slowBy);
    },
    async deliver(order) {
      const supervisor = supervisors.get(order.device);
      if (supervisor !== undefined) return supervisor.deliver(order);
      return refused("DEVICE_UNKNOWN", `there is no device "${order.device}"`, "The node's start record lists them.");
    },
  };
}

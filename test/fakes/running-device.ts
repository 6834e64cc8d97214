import { deviceLinks } from "../../drivers/device-links.ts";
import type { Driver, Reading } from "../../drivers/driver.ts";
import { loadDriver } from "../../drivers/registry.ts";
import type { DeviceHealth } from "../../gateway/contracts/readings.ts";
import type { CommandOutcome } from "../../gateway/supervisor/command-inbox.ts";
import { startSupervisor } from "../../gateway/supervisor/supervisor.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { QuietLog } from "./quiet-log.ts";

export interface RunningDevice extends AsyncDisposable {
  readonly readings: readonly (Reading & { readonly subjectId?: string })[];
  readonly health: readonly DeviceHealth[];
  state(): string | undefined;
  command(kind: string, args?: Readonly<Record<string, unknown>>): Promise<CommandOutcome>;
}

/** One device served as the gateway does it: real supervisor, real ports, real time. */
export function runDevice(driver: string | Driver, config: unknown): RunningDevice {
  const readings: (Reading & { readonly subjectId?: string })[] = [];
  const health: DeviceHealth[] = [];
  const stop = new AbortController();
  const clock = systemClock();
  const supervisor = startSupervisor({
    devices: [{ id: "device", driver: typeof driver === "string" ? driver : driver.kind, config }],
    load: typeof driver === "string" ? loadDriver : async () => driver,
    links: deviceLinks(clock),
    clock,
    signal: stop.signal,
    log: new QuietLog(),
    onReading: ({ reading, subject }) => {
      readings.push({ ...reading, ...(subject && { subjectId: subject.id }) });
    },
    onHealth: (one) => {
      health.push(one);
    },
  });
  return {
    readings,
    health,
    state: () => supervisor.health().find(({ subject }) => subject === undefined)?.body.state,
    command: (kind, args = {}) => supervisor.deliver({ device: "device", id: "c1", kind, args, timeoutMs: 3000 }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await supervisor.done;
    },
  };
}

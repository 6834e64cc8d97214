import type { BusLease, DeviceCommand, Driver } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { type ModbusIoConfig, modbusIoConfig } from "./config.ts";
import { OutputCommands } from "./output-commands.ts";
import { type Point, pointFaults, pointsOf, readPlan } from "./points.ts";

/** A state that does not change is said again this often, so that nobody takes an old one for a new one. */
const REPEAT_MS = 600_000;
/** Refusals that say "this address does not exist": no retry can help while the config stays. */
const MAP_REFUSALS = 5;
/** Faults of this one unit, while its bus works. */
const UNIT_FAULTS = ["MODBUS_TIMEOUT", "MODBUS_SKIPPED", "MODBUS_CRC", "MODBUS_UNEXPECTED", "MODBUS_EXCEPTION"];

export const modbusIo: Driver<typeof modbusIoConfig> = {
  kind: "modbus-io",
  config: modbusIoConfig,

  check(config) {
    const faults = [...pointFaults(config)];
    if (config.timeoutMs >= config.periodMs) {
      faults.push({
        pointer: "/timeoutMs",
        message: `timeoutMs ${config.timeoutMs} is not shorter than periodMs ${config.periodMs}`,
        hint: "A silent unit would cost its bus every period. Choose a third of the period, e.g. 300 with 1000.",
      });
    }
    return faults;
  },

  async run(config, context) {
    const { openBus, clock, online, fault, emit, signal } = context;
    await using bus = await openBus(config.bus.port, config.bus.settings);
    const outputs = new OutputCommands(config, bus, clock);
    const serving = serve(context.commands, outputs);
    const told = new Map<string, { readonly isOn: boolean; readonly upMs: number }>();
    let refusals = 0;

    for await (const _ of bus.every(config.periodMs, signal)) {
      try {
        for (const { point, isOn } of await readAll(config, bus, fault)) {
          outputs.seen(point.name, isOn, clock.upMs());
          const last = told.get(point.name);
          if (last?.isOn === isOn && clock.upMs() - last.upMs < REPEAT_MS) continue;
          told.set(point.name, { isOn, upMs: clock.upMs() });
          await emit({ kind: "switch", name: point.name, isOn, atMs: clock.nowMs() });
        }
        refusals = 0;
        online();
        for (const still of await outputs.endDue(clock.upMs())) fault(still);
      } catch (error) {
        if (!(error instanceof DriverError) || !UNIT_FAULTS.includes(error.code)) throw error;
        refusals = error.code === "MODBUS_EXCEPTION" && error.retry === "never" ? refusals + 1 : 0;
        if (refusals >= MAP_REFUSALS) throw error;
        fault(error);
      }
    }
    await serving;
  },
};

async function serve(commands: AsyncIterable<DeviceCommand>, outputs: OutputCommands): Promise<void> {
  for await (const command of commands) {
    try {
      command.done(await outputs.act(command));
    } catch (error) {
      command.refuse(
        error instanceof DriverError
          ? error
          : new DriverError("DRIVER_FAULT", String(error), { retry: "never", hint: "Please report it with the log." }),
      );
    }
  }
}

async function readAll(
  config: ModbusIoConfig,
  bus: BusLease,
  fault: (error: DriverError) => void,
): Promise<readonly { readonly point: Point; readonly isOn: boolean }[]> {
  const plan = readPlan(pointsOf(config));
  if (plan.length === 0) await bus.modbus({ ...displayProbe(config), unit: config.unit, timeoutMs: config.timeoutMs });
  const states: { point: Point; isOn: boolean }[] = [];
  for (const { request, points } of plan) {
    const values = await bus.modbus({ ...request, unit: config.unit, timeoutMs: config.timeoutMs });
    for (const point of points) {
      const raw = values[point.address - request.address];
      const isOn = raw === undefined ? undefined : point.isOn(raw);
      if (isOn !== undefined) states.push({ point, isOn });
      else {
        fault(
          new DriverError("IO_VALUE_UNKNOWN", `${point.name} reads ${raw}, which is neither on nor off`, {
            retry: "backoff",
            hint: "Correct onValue and offValue of this output, or give maxValue where it takes values between.",
          }),
        );
      }
    }
  }
  return states;
}

/** A display has no state: its first register answers whether it is there. */
function displayProbe({ outputs = {} }: ModbusIoConfig): {
  readonly function: "read-holding";
  readonly address: number;
  readonly count: number;
} {
  const [display] = Object.values(outputs);
  return { function: "read-holding", address: display?.textRegister ?? 0, count: 1 };
}

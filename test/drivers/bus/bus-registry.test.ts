import { describe, expect, test } from "vitest";
import { BusRegistry } from "../../../drivers/bus/bus-registry.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { type Fate, SlaveLine, tellingRegister } from "../../fakes/slave-line.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

const PORT = { serial: "/dev/line" };
const SETTINGS = { baudRate: 9600 };

function rig(fate: () => Fate = () => ({})) {
  const clock = new VirtualClock();
  const line = new SlaveLine({ clock, fate });
  return { clock, line, registry: new BusRegistry(clock, async () => line.open()) };
}

function read(address: number) {
  return { unit: 1, function: "read-holding", address, timeoutMs: 300 } as const;
}

describe("bus registry", () => {
  test("one owner a port: opened with the first lease, closed with the last, opened again by the next", async () => {
    const { line, registry } = rig();
    const first = await registry.openBus(PORT, SETTINGS);
    const second = await registry.openBus(PORT, SETTINGS);
    expect(line.opened).toBe(1);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    const third = await registry.openBus(PORT, SETTINGS);
    expect(line.opened).toBe(1);
    await second[Symbol.asyncDispose]();
    await third[Symbol.asyncDispose]();
    await registry.openBus(PORT, SETTINGS);
    expect(line.opened).toBe(2);
  });

  test("other settings on an open port are refused: one line has one baud rate", async () => {
    const { registry } = rig();
    await registry.openBus(PORT, SETTINGS);
    await expect(registry.openBus(PORT, { baudRate: 4800 })).rejects.toMatchObject({
      code: "BUS_SETTINGS_DIFFER",
      retry: "never",
    });
  });

  test("an answer that was pending when the port was lost is not believed after it was opened again", async () => {
    const late: Fate[] = [{ delayMs: 900 }];
    const { clock, line, registry } = rig(() => late.shift() ?? {});
    const before = await registry.openBus(PORT, SETTINGS);
    const pending = before.modbus(read(0)).catch((error: unknown) => error);
    await clock.advance(100);
    line.pull();
    await clock.advance(1);
    expect(await pending).toMatchObject({ code: "PORT_LOST" });
    await before[Symbol.asyncDispose]();
    await clock.advance(600);
    const after = await registry.openBus(PORT, SETTINGS);
    for (let address = 100; address < 130; address++) {
      let value: readonly number[] | string | undefined;
      after.modbus(read(address)).then(
        (values) => {
          value = values;
        },
        (error: unknown) => {
          value = error instanceof DriverError ? error.code : String(error);
        },
      );
      while (value === undefined) await clock.advance(5);
      if (typeof value !== "string") expect(value).toEqual([tellingRegister(1, 3, address)]);
      await clock.advance(200);
    }
  });
});

import ModbusSerial from "modbus-serial";
import { describe, expect, test } from "vitest";
import { BusRegistry } from "../../../drivers/bus/bus-registry.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { type LineFaults, startNoiseSimulator } from "../../../drivers/modbus-noise/simulator.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { tellingRegister } from "../../fakes/slave-line.ts";

const TIMEOUT_MS = 60;
const UNITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** Always the same sequence, so that a red run can be looked at. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function badLine(framing: "rtu" | "tcp", faults: () => LineFaults) {
  return startNoiseSimulator({
    listen: { tcp: {}, framing },
    units: UNITS,
    levelAt: () => 60,
    registerAt: tellingRegister,
    faults,
    random: seeded(7),
  });
}

describe("the trap", () => {
  test("plain modbus-serial over RTU takes a late answer for the next request's and reports success", async () => {
    let isLate = true;
    const line = await badLine("rtu", () => {
      const faults = isLate ? { lateShare: 1, lateMs: TIMEOUT_MS * 2 } : { answerMs: 15 };
      isLate = false;
      return faults;
    });
    // The types of modbus-serial name a default export; under Node it is the module itself.
    const client = new (ModbusSerial as unknown as typeof ModbusSerial.default)();
    // Its "telnet" is RTU over TCP; its "TcpRTUBuffered" is Modbus TCP.
    await client.connectTelnet("127.0.0.1", { port: line.port ?? 0 });
    client.setID(1);
    client.setTimeout(TIMEOUT_MS);
    await expect(client.readHoldingRegisters(0, 1)).rejects.toMatchObject({ errno: "ETIMEDOUT" });
    client.setTimeout(TIMEOUT_MS * 5);
    const wrong: boolean[] = [];
    for (let address = 100; address < 105; address++) {
      const { data } = await client.readHoldingRegisters(address, 1);
      wrong.push(data[0] !== tellingRegister(1, 3, address));
    }
    expect(wrong).toEqual([true, true, true, true, true]);
    await new Promise<void>((resolve) => client.close(() => resolve()));
    await line.close();
  });

  test("our bus owner on the same line: no wrong value, and it goes on", async () => {
    let isLate = true;
    const line = await badLine("rtu", () => {
      const faults = isLate ? { lateShare: 1, lateMs: TIMEOUT_MS * 2 } : { answerMs: 15 };
      isLate = false;
      return faults;
    });
    await using bus = await new BusRegistry(systemClock()).openBus(
      { tcp: `127.0.0.1:${line.port}` },
      { framing: "rtu" },
    );
    const request = { unit: 1, function: "read-holding", timeoutMs: TIMEOUT_MS } as const;
    await expect(bus.modbus({ ...request, address: 0 })).rejects.toMatchObject({ code: "MODBUS_TIMEOUT" });
    for (let address = 100; address < 105; address++) {
      expect(await bus.modbus({ ...request, address, timeoutMs: TIMEOUT_MS * 5 })).toEqual([
        tellingRegister(1, 3, address),
      ]);
    }
    await line.close();
  });
});

describe("ten slaves on a bad line, on real sockets", () => {
  test.each(["rtu", "tcp"] as const)(
    "framing %s: no wrong value, and each of the nine that live is read (`bench bus` counts how often)",
    async (framing) => {
      const spoilt = framing === "rtu" ? { crcShare: 0.02 } : {};
      const line = await badLine(framing, () => ({ deadUnits: [10], lateShare: 0.01, lateMs: 90, ...spoilt }));
      const registry = new BusRegistry(systemClock());
      let asked = 0;
      const good = new Map(UNITS.map((unit) => [unit, 0]));
      let wrong = 0;
      const poll = async (unit: number): Promise<void> => {
        await using bus = await registry.openBus({ tcp: `127.0.0.1:${line.port}` }, { framing });
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), 5000);
        for await (const slot of bus.every(400, stop.signal)) {
          asked += 1 + slot.missed;
          const address = (asked * 7 + unit) % 400;
          try {
            const [value] = await bus.modbus({ unit, function: "read-holding", address, timeoutMs: TIMEOUT_MS });
            if (value === tellingRegister(unit, 3, address)) good.set(unit, (good.get(unit) ?? 0) + 1);
            else wrong++;
          } catch (error) {
            if (!(error instanceof DriverError)) throw error;
          }
        }
        clearTimeout(timer);
      };
      await Promise.all(UNITS.map(poll));
      expect(wrong).toBe(0);
      expect([...good].filter(([, reads]) => reads === 0)).toEqual([[10, 0]]);
      await line.close();
    },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textRegisters } from "../../../drivers/modbus-io/display-text.ts";
import { modbusIo } from "../../../drivers/modbus-io/driver.ts";
import { type Point, pointFaults, readPlan } from "../../../drivers/modbus-io/points.ts";

const point = (name: string, table: Point["table"], address: number): Point => ({
  name,
  table,
  address,
  isOn: (raw) => raw !== 0,
});

describe("a read plan", () => {
  test("joins neighbours of one table and parts what is far or of another table", () => {
    const plan = readPlan([
      point("c", "read-coils", 4),
      point("a", "read-discrete-inputs", 0),
      point("b", "read-coils", 0),
      point("far", "read-coils", 500),
    ]);
    expect(plan.map(({ request }) => request)).toEqual([
      { function: "read-coils", address: 0, count: 5 },
      { function: "read-coils", address: 500, count: 1 },
      { function: "read-discrete-inputs", address: 0, count: 1 },
    ]);
  });

  test("reads every point once, within its request, whatever the points are", () => {
    const table = fc.constantFrom("read-coils", "read-discrete-inputs", "read-holding", "read-input" as const);
    const points = fc.array(fc.record({ table, address: fc.nat(0xffff) }), { maxLength: 40 });
    fc.assert(
      fc.property(points, (drawn) => {
        const all = drawn.map(({ table: where, address }, at) => point(`p${at}`, where as Point["table"], address));
        const plan = readPlan(all);
        expect(plan.flatMap((step) => step.points.map(({ name }) => name)).sort()).toEqual(
          all.map(({ name }) => name).sort(),
        );
        for (const { request, points: of } of plan) {
          for (const { table: where, address } of of) {
            expect(where).toBe(request.function);
            expect(address).toBeGreaterThanOrEqual(request.address);
            expect(address).toBeLessThan(request.address + (request.count ?? 0));
            expect(request.count).toBeLessThanOrEqual(64);
          }
        }
      }),
    );
  });
});

describe("a display's text", () => {
  test("is two bytes a register in the display's own encoding, and blanks wipe the rest", () => {
    expect(textRegisters("夜间 72", 5, "gbk")).toEqual([0xd2b9, 0xbce4, 0x2037, 0x3220, 0x2020]);
    expect(textRegisters("夜", 2, "utf-16be")).toEqual([0x591c, 0x0020]);
  });

  test("is refused where it would be cut or garbled", () => {
    expect(() => textRegisters("夜间施工", 3, "gbk")).toThrow(expect.objectContaining({ code: "IO_TEXT_TOO_LONG" }));
    expect(() => textRegisters("夜", 3, "ascii")).toThrow(expect.objectContaining({ code: "IO_TEXT_UNWRITABLE" }));
    expect(() => textRegisters("🚧", 9, "gbk")).toThrow(expect.objectContaining({ code: "IO_TEXT_UNWRITABLE" }));
  });
});

describe("the config", () => {
  test("names each thing that fits no unit", () => {
    const faults = pointFaults({
      outputs: { siren: { coil: 0, register: 1 }, board: { textRegister: 3 }, fan: { register: 1, onValue: 0 } },
      inputs: { siren: {}, door: { discreteInput: 1 } },
    });
    expect(faults.map(({ pointer, message }) => `${pointer}: ${message}`)).toEqual([
      "/outputs/siren: output siren has more than one place",
      "/outputs/board: output board is a display only with both textRegister and textRegisters",
      "/outputs/fan: output fan is on and off with the same value",
      "/inputs/siren: input siren has no place",
      "/inputs/siren: an output is called siren too",
    ]);
    expect(pointFaults({ outputs: {}, inputs: {} })).toMatchObject([
      { message: "neither outputs nor inputs are given" },
    ]);
  });

  test("a unit that would cost its bus every period is refused", () => {
    const bus = { port: { tcp: "127.0.0.1:1" }, settings: {} };
    const config = { bus, unit: 1, outputs: { a: { coil: 0 } }, inputs: {}, periodMs: 200, timeoutMs: 300 };
    expect(modbusIo.check?.(config)).toMatchObject([{ pointer: "/timeoutMs" }]);
  });
});

import { expect, test } from "vitest";
import type { BusLease, ModbusRequest } from "../../../drivers/driver.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { OutputCommands } from "../../../drivers/modbus-io/output-commands.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

const CONFIG = {
  bus: { port: { tcp: "127.0.0.1:1" }, settings: {} },
  unit: 1,
  outputs: { siren: { coil: 0 }, lamp: { coil: 1 } },
  inputs: {},
  periodMs: 1000,
  timeoutMs: 300,
};

/** Coils; `answers` may lose the word on one, `held` are those that do not follow. */
function board() {
  const coils = [0, 0];
  const held = new Set<number>();
  const state = { isMute: false };
  const modbus = async ({ function: name, address, value = 0 }: ModbusRequest) => {
    if (name === "write-coil" && !held.has(address)) coils[address] = value;
    if (state.isMute) throw new DriverError("MODBUS_TIMEOUT", "no answer", { retry: "backoff", hint: "Look." });
    return [coils[address] ?? 0];
  };
  return { coils, held, state, lease: { modbus } as unknown as BusLease };
}

const clock = new VirtualClock();

test("a timed order whose answer is lost ends all the same", async () => {
  const { coils, state, lease } = board();
  const outputs = new OutputCommands(CONFIG, lease, clock);
  state.isMute = true;
  const order = { kind: "relay", args: { output: "siren", on: true, forS: 5 } };
  await expect(outputs.act(order)).rejects.toMatchObject({ code: "MODBUS_TIMEOUT" });
  expect(coils[0]).toBe(1);
  state.isMute = false;
  await outputs.endDue(clock.upMs() + 6000);
  expect(coils[0]).toBe(0);
});

test("one that does not follow at its end is told, tried again, and holds up no other", async () => {
  const { coils, held, lease } = board();
  const outputs = new OutputCommands(CONFIG, lease, clock);
  for (const output of ["siren", "lamp"]) await outputs.act({ kind: "relay", args: { output, on: true, forS: 5 } });
  held.add(0);
  const faults = await outputs.endDue(clock.upMs() + 6000);
  expect(faults.map(({ code }) => code)).toEqual(["IO_NOT_SWITCHED"]);
  expect(coils).toEqual([1, 0]);
  held.clear();
  expect(await outputs.endDue(clock.upMs() + 7000)).toEqual([]);
  expect(coils).toEqual([0, 0]);
});

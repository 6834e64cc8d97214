import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type IoSimulator, startIoSimulator } from "../../../drivers/modbus-io/simulator.ts";
import { freePort, needRigs, stopped, until } from "../../fakes/rigs.ts";
import { type RunningDevice, runDevice } from "../../fakes/running-device.ts";

function unit(port: number | undefined, more: object = {}, framing = "tcp") {
  return {
    bus: { port: { tcp: `127.0.0.1:${port}` }, settings: { framing } },
    unit: 1,
    outputs: {
      siren: { coil: 0 },
      lamp: { register: 4, onValue: 7, maxValue: 100 },
      board: { textRegister: 32, textRegisters: 8 },
    },
    inputs: { ignition: { discreteInput: 0 }, door: { discreteInput: 1, isInverted: true } },
    periodMs: 300,
    timeoutMs: 280,
    ...more,
  };
}

function states(device: RunningDevice): Record<string, boolean> {
  return Object.fromEntries(
    device.readings.flatMap((reading) => (reading.kind === "switch" ? [[reading.name, reading.isOn]] : [])),
  );
}

async function withUnit(
  act: (board: IoSimulator, device: RunningDevice) => Promise<void>,
  more: object = {},
  framing: "rtu" | "tcp" = "tcp",
): Promise<void> {
  const board = await startIoSimulator({ listen: { tcp: {}, framing } });
  {
    await using device = runDevice("modbus-io", unit(board.port, more, framing));
    await until(() => device.state() === "online");
    await act(board, device);
  }
  await board.close();
}

describe("contacts", () => {
  test.for(["rtu", "tcp"] as const)("over framing %s each is told when it changes, and only then", async (framing) => {
    await withUnit(
      async (board, device) => {
        await until(() => Object.keys(states(device)).length === 4);
        expect(states(device)).toEqual({ ignition: false, door: true, siren: false, lamp: false });
        const before = device.readings.length;
        board.setInput(0, true);
        await until(() => states(device)["ignition"] === true);
        expect(device.readings.length).toBe(before + 1);
      },
      {},
      framing,
    );
  });

  test("a register that is neither on nor off is a fault and no state", async () => {
    const outputs = { lamp: { register: 4, onValue: 7 } };
    await withUnit(
      async (board, device) => {
        board.memory.write("holding", 4, 9);
        await until(() => device.health.some(({ body }) => body.code === "IO_VALUE_UNKNOWN"), 15_000);
        expect(states(device)).toEqual({ lamp: false });
      },
      { outputs, inputs: {} },
    );
  });
});

describe("commands", () => {
  test("switch, set and show, and answer with what the unit read back", async () => {
    await withUnit(async (board, device) => {
      expect(await device.command("relay", { output: "siren", on: true })).toEqual({
        ok: true,
        value: { output: "siren", on: true },
      });
      expect(board.memory.read("coils", 0)).toBe(1);
      await until(() => states(device)["siren"] === true);
      expect(await device.command("relay", { output: "siren", on: false })).toMatchObject({ ok: true });
      expect(board.memory.read("coils", 0)).toBe(0);
      expect(await device.command("relay", { output: "lamp", value: 55 })).toMatchObject({ ok: true });
      expect(board.memory.read("holding", 4)).toBe(55);
      expect(await device.command("text", { output: "board", text: "噪声 72 dB" })).toMatchObject({ ok: true });
      expect(board.memory.read("holding", 32)).toBe(0xd4eb);
    });
  });

  test("a timed one ends by itself, and what nobody may leave on is switched off", async () => {
    const outputs = { siren: { coil: 0 }, horn: { coil: 1, longestOnS: 1 } };
    await withUnit(
      async (board, device) => {
        expect(await device.command("relay", { output: "siren", on: true, forS: 0.3 })).toMatchObject({ ok: true });
        board.memory.write("coils", 1, 1);
        await until(() => board.memory.read("coils", 0) === 0 && board.memory.read("coils", 1) === 0);
      },
      { outputs, inputs: {} },
    );
  });

  test.for([
    [{ output: "bell", on: true }, "IO_COMMAND_INVALID", "siren, lamp, board"],
    [{ output: "siren" }, "IO_COMMAND_INVALID", "on"],
    [{ output: "siren", on: true, forS: -1 }, "IO_COMMAND_INVALID", "seconds"],
    [{ output: "lamp", value: 101 }, "IO_COMMAND_INVALID", "maxValue"],
    [{ output: "siren", value: 1 }, "IO_COMMAND_INVALID", "on"],
    [{ output: "board", on: true }, "IO_COMMAND_INVALID", "text"],
  ] as const)("%j is refused with %s and a hint", async ([args, code, hint]) => {
    await withUnit(async (board, device) => {
      const outcome = await device.command("relay", args);
      expect(outcome).toMatchObject({ ok: false, code, hint: expect.stringContaining(hint) });
      expect(board.memory.read("coils", 0)).toBe(0);
    });
  });

  test("an output that takes the order and does not follow it is told", async () => {
    const board = await startIoSimulator({
      listen: { tcp: {}, framing: "tcp" },
      onWrite: (table, address) => {
        if (table === "coils" && board.memory.read("coils", address) === 1) board.memory.write("coils", address, 0);
      },
    });
    {
      await using device = runDevice("modbus-io", unit(board.port));
      await until(() => device.state() === "online");
      const outcome = await device.command("relay", { output: "siren", on: true });
      expect(outcome).toMatchObject({ ok: false, code: "IO_NOT_SWITCHED" });
    }
    await board.close();
  });
});

const SLAVE = `
import asyncio, sys
from pymodbus.server import StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
block = lambda values: ModbusSequentialDataBlock(0, values)
regs = ModbusSlaveContext(hr=block([0] * 64), co=block([0] * 16), di=block([1, 1] + [0] * 14), zero_mode=True)
ctx = ModbusServerContext(slaves={1: regs}, single=False)
framer = ModbusRtuFramer if sys.argv[1] == "rtu" else ModbusSocketFramer
asyncio.run(StartAsyncTcpServer(context=ctx, framer=framer, address=("127.0.0.1", int(sys.argv[2]))))
`;

test.for(["tcp", "rtu"] as const)("a slave that we did not write (pymodbus), framing %s", async (framing, context) => {
  needRigs(context, "pymodbus");
  const port = await freePort();
  const slave = spawn("/usr/bin/python3", ["-c", SLAVE, framing, String(port)], { stdio: "ignore" });
  {
    await using device = runDevice("modbus-io", unit(port, { periodMs: 500, timeoutMs: 400 }, framing));
    await until(() => Object.keys(states(device)).length === 4, 20_000);
    expect(states(device)).toEqual({ ignition: true, door: false, siren: false, lamp: false });
    expect(await device.command("relay", { output: "siren", on: true })).toMatchObject({ ok: true });
    expect(await device.command("relay", { output: "lamp", value: 42 })).toMatchObject({ ok: true });
    expect(await device.command("text", { output: "board", text: "夜间施工" })).toMatchObject({ ok: true });
    await until(() => states(device)["siren"] === true && states(device)["lamp"] === true);
  }
  await stopped(slave);
});

test("a master that we did not write (mbpoll) reads and switches our simulator", async (context) => {
  needRigs(context, "mbpoll");
  const board = await startIoSimulator({ listen: { tcp: {}, framing: "tcp" } });
  board.setInput(2, true);
  const poll = (...args: string[]) =>
    new Promise<string>((resolve) => {
      const child = spawn("mbpoll", ["-m", "tcp", "-a", "1", "-p", String(board.port), "-1", ...args]);
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      child.on("exit", () => resolve(text));
    });
  expect(await poll("-t", "1", "-r", "1", "-c", "3", "127.0.0.1")).toMatch(/\[3\]:\s+1/);
  expect(await poll("-t", "0", "-r", "2", "127.0.0.1", "1")).toContain("Written 1");
  expect(board.memory.read("coils", 1)).toBe(1);
  expect(await poll("-t", "4", "-r", "5", "127.0.0.1", "11", "22", "33")).toContain("Written 3");
  expect([4, 5, 6].map((at) => board.memory.read("holding", at))).toEqual([11, 22, 33]);
  await board.close();
});

import { spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import { startNoiseSimulator } from "../../../drivers/modbus-noise/simulator.ts";
import { freePort, needRigs, scratchFolder, startLibmodbus, startPymodbus, stopped, until } from "../../fakes/rigs.ts";
import { runDevice } from "../../fakes/running-device.ts";

const scratch = scratchFolder();
afterAll(() => scratch.remove());

function meter(bus: object, more: object = {}) {
  return {
    bus,
    unit: 1,
    profile: "sonbest-sm7901b",
    periodMs: 200,
    measurementPeriodMs: 60_000,
    timeoutMs: 150,
    ...more,
  };
}

function serialBus(path: string) {
  return { port: { serial: path }, settings: { baudRate: 9600, parity: "none", stopBits: 1 } };
}

describe("a Modbus slave that we did not write (pymodbus)", () => {
  test("over a serial line: 53.6 dB", async (context) => {
    needRigs(context, "socat", "pymodbus");
    const pair = await openPtyPair(join(scratch.path, "rtu"));
    const slave = startPymodbus("serial", pair.devicePath);
    {
      await using device = runDevice("modbus-noise", meter(serialBus(pair.path)));
      await until(() => device.readings.length >= 3);
      expect(device.readings[0]).toMatchObject({ kind: "noise", levelDb: 53.6, quantity: "LAF", flags: [] });
      expect(device.state()).toBe("online");
    }
    await slave.stop();
    await pair.close();
  });

  test.for(["tcp", "rtu"] as const)("over TCP, framing %s: each register its own value", async (framing, context) => {
    needRigs(context, "pymodbus");
    const port = await freePort();
    const slave = startPymodbus(framing, String(port));
    const bus = { port: { tcp: `127.0.0.1:${port}` }, settings: { framing } };
    const profile = {
      function: "read-holding",
      address: 14,
      scaleDb: 0.1,
      validDb: [30, 130],
      noDataValues: [],
      quantity: "LAF",
    };
    {
      await using device = runDevice("modbus-noise", meter(bus, { profile }));
      await until(() => device.readings.length >= 3, 15_000);
      expect(device.readings[0]).toMatchObject({ levelDb: 55 });
    }
    await slave.stop();
  });
});

describe("a Modbus slave that we did not write (libmodbus)", () => {
  test("level, temperature and humidity of one meter in one request, and what is out of range flagged", async (context) => {
    needRigs(context, "socat", "libmodbus");
    const pair = await openPtyPair(join(scratch.path, "libmodbus"));
    const slave = startLibmodbus(pair.devicePath, 1, { 504: 1001, 505: 0xffec, 506: 712 });
    {
      await using device = runDevice("modbus-noise", meter(serialBus(pair.path), { profile: "renke-weather" }));
      await until(() => device.readings.length >= 4, 15_000);
      const kinds = device.readings.slice(0, 3).map((reading) => ({ ...reading, atMs: 0 }));
      expect(kinds).toEqual([
        { kind: "measurement", quantity: "humidity", unit: "%RH", value: 100.1, flag: "out-of-range", atMs: 0 },
        { kind: "measurement", quantity: "temperature", unit: "°C", value: -2, atMs: 0 },
        { kind: "noise", levelDb: 71.2, quantity: "LAF", flags: [], atMs: 0 },
      ]);
      expect(device.readings[3]).toMatchObject({ kind: "noise", levelDb: 71.2 });
    }
    await slave.stop();
    await pair.close();
  });
});

describe("a Modbus master that we did not write (mbpoll) reads our simulator", () => {
  test("over TCP, and over a serial line", async (context) => {
    needRigs(context, "socat", "mbpoll");
    const options = { units: [1, 2], levelAt: (unit: number) => 50 + unit };
    const tcp = await startNoiseSimulator({ ...options, listen: { tcp: {}, framing: "tcp" } });
    const poll = async (args: readonly string[]): Promise<string> => {
      const child = spawn("mbpoll", args);
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += String(chunk);
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      child.once("close", () => resolve());
      await promise;
      return text;
    };
    expect(
      await poll(["-m", "tcp", "-a", "2", "-p", String(tcp.port), "-r", "1", "-c", "1", "-1", "127.0.0.1"]),
    ).toMatch(/\[1\]:\s+520/);
    await tcp.close();
    const pair = await openPtyPair(join(scratch.path, "mbpoll"));
    const rtu = await startNoiseSimulator({ ...options, listen: { serial: pair.devicePath } });
    expect(
      await poll([
        "-m",
        "rtu",
        "-a",
        "1",
        "-b",
        "9600",
        "-P",
        "none",
        "-s",
        "1",
        "-r",
        "1",
        "-c",
        "1",
        "-1",
        pair.path,
      ]),
    ).toMatch(/\[1\]:\s+510/);
    await rtu.close();
    await pair.close();
  });
});

describe("bad input on a serial line", () => {
  test("an unplugged port is PORT_LOST, and the meter comes back by itself when it is plugged in again", async (context) => {
    needRigs(context, "socat");
    const path = join(scratch.path, "unplugged");
    let pair = await openPtyPair(path);
    let meterThere = await startNoiseSimulator({ listen: { serial: pair.devicePath }, levelAt: () => 61 });
    await using device = runDevice("modbus-noise", meter(serialBus(path)));
    await until(() => device.readings.length >= 2);
    await pair.close();
    await until(() => device.state() === "offline");
    expect(device.health.at(-1)?.body).toMatchObject({ code: "PORT_LOST", hint: expect.stringContaining("Plug") });
    await meterThere.close();
    await until(() => device.health.at(-1)?.body.code === "PORT_NOT_FOUND");
    const before = device.readings.length;
    pair = await openPtyPair(path);
    meterThere = await startNoiseSimulator({ listen: { serial: pair.devicePath }, levelAt: () => 62 });
    await until(() => device.readings.length > before, 12_000);
    expect(device.readings.at(-1)).toMatchObject({ levelDb: 62 });
    expect(device.state()).toBe("online");
    await meterThere.close();
    await pair.close();
  });

  test("a port that another program holds is PORT_BUSY, names it, and is taken once it is free", async (context) => {
    needRigs(context, "socat");
    const pair = await openPtyPair(join(scratch.path, "held"));
    const there = await startNoiseSimulator({ listen: { serial: pair.devicePath }, levelAt: () => 63 });
    const opened = openSync(pair.path, "r+");
    const holder = spawn("sleep", ["60"], { stdio: [opened, "ignore", "ignore"] });
    closeSync(opened);
    await using device = runDevice("modbus-noise", meter(serialBus(pair.path)));
    await until(() => device.state() === "offline");
    expect(device.health.at(-1)?.body).toMatchObject({
      code: "PORT_BUSY",
      message: expect.stringContaining(`sleep (pid ${holder.pid})`),
      hint: expect.stringContaining(pair.path),
    });
    expect(device.readings).toEqual([]);
    await stopped(holder);
    await until(() => device.state() === "online", 12_000);
    await there.close();
    await pair.close();
  });

  test("a port that is locked is PORT_BUSY even where its holder cannot be seen", async (context) => {
    needRigs(context, "socat");
    const pair = await openPtyPair(join(scratch.path, "locked"));
    const holder = runDevice("modbus-noise", meter(serialBus(pair.path)));
    await until(() => holder.state() === "silent");
    await using second = runDevice("modbus-noise", meter(serialBus(pair.path)));
    await until(() => second.state() === "offline");
    expect(second.health.at(-1)?.body).toMatchObject({ code: "PORT_BUSY" });
    await holder[Symbol.asyncDispose]();
    await pair.close();
  });

  test("a slave that answers rubbish gives no reading and says why; its link is not dropped", async (context) => {
    needRigs(context, "socat");
    const pair = await openPtyPair(join(scratch.path, "rubbish"));
    const there = await startNoiseSimulator({
      listen: { serial: pair.devicePath },
      levelAt: () => 64,
      faults: () => ({ rubbishShare: 1 }),
    });
    await using device = runDevice("modbus-noise", meter(serialBus(pair.path)));
    await until(() => device.state() === "silent");
    expect(device.health.at(-1)?.body).toMatchObject({
      code: expect.stringMatching(/MODBUS_(CRC|UNEXPECTED|TIMEOUT)/),
    });
    expect(device.readings).toEqual([]);
    await there.close();
    await pair.close();
  });

  test("a path where nothing is, and one that is no port, say so with a hint", async () => {
    await using missing = runDevice("modbus-noise", meter(serialBus("/dev/serial/by-id/none")));
    await until(() => missing.state() === "offline");
    expect(missing.health.at(-1)?.body).toMatchObject({
      code: "PORT_NOT_FOUND",
      hint: expect.stringContaining("by-id"),
    });
    const plain = join(scratch.path, "plain-file");
    writeFileSync(plain, "no port");
    await using file = runDevice("modbus-noise", meter(serialBus(plain)));
    await until(() => file.state() === "offline");
    expect(file.health.at(-1)?.body.code).toBe("PORT_NOT_SERIAL");
  });
});

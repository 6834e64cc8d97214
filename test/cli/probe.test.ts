import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPtyPair } from "../../cli/sim/pty-pair.ts";
import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { startTerminal } from "../../drivers/jt808/simulator.ts";
import { type NoiseSimulator, startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { freePort, needRigs, scratchFolder, startLibmodbus, startPymodbus } from "../fakes/rigs.ts";
import { runShao } from "../fakes/run-shao.ts";

const scratch = scratchFolder();
const file = join(scratch.path, "site.yaml");
let meters: NoiseSimulator;
let receiver: Awaited<ReturnType<typeof startGpsSimulator>>;

beforeAll(async () => {
  meters = await startNoiseSimulator({
    listen: { tcp: {}, framing: "rtu" },
    units: [2, 3],
    levelAt: (unit) => 60 + unit,
  });
  receiver = await startGpsSimulator({
    listen: { tcp: {} },
    positionAt: () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4 }),
  });
  const nobody = await freePort();
  writeFileSync(
    file,
    `node: site-1
bridge: { url: "mqtts://127.0.0.1:8883" }
state: ${scratch.path}/state
buses:
  line: { tcp: "127.0.0.1:${meters.port}", framing: rtu }
  none: { tcp: "127.0.0.1:${nobody}", framing: tcp }
devices:
  noise-02: { driver: modbus-noise, bus: line, unit: 2, profile: sonbest-sm7901b }
  noise-09: { driver: modbus-noise, bus: none, unit: 9, profile: sonbest-sm7901b }
  gps: { driver: gps-nmea, tcp: "127.0.0.1:${receiver.port}" }
`,
  );
});
afterAll(async () => {
  await meters.close();
  await receiver.close();
  scratch.remove();
});

const probe = (...args: readonly string[]) => runShao("probe", ...args);

describe("shao probe", { timeout: 120_000 }, () => {
  test("says of each device what it answers, or why it does not and what to do", async () => {
    const { lines, code } = await probe(file, "--seconds", "3");
    expect(lines).toMatchObject([
      { device: "noise-02", ok: true, reading: { kind: "noise", levelDb: 62 } },
      { device: "noise-09", ok: false, code: "CONNECTION_REFUSED", hint: expect.any(String) },
      { device: "gps", ok: true, reading: { kind: "position", latitudeDeg: 39.9 } },
    ]);
    expect(code).toBe(1);
    expect((await probe(file, "noise-02")).code).toBe(0);
  });

  test("--scan finds the units of a line and the profiles that fit", async () => {
    const { lines } = await probe(file, "--scan", "--units", "1-4");
    expect([...foundUnits(lines), lines.at(-1)]).toMatchObject([
      {
        bus: "line",
        unit: 2,
        fits: [{ profile: "sonbest-sm7901b", levelDb: 62 }, {}, {}],
        guess: { profile: "sonbest-sm7901b", isOnlyOne: false, note: expect.stringContaining("a guess") },
      },
      { bus: "line", unit: 3 },
      { bus: "none", code: "CONNECTION_REFUSED" },
    ]);
  });

  test("of vehicles, which connect to us: that none has come, and the first that does", async () => {
    const port = await freePort();
    const centre = join(scratch.path, "centre.yaml");
    const device = `{ driver: jt808, listen: "127.0.0.1:${port}", acceptUnknown: true }`;
    const rest = `bridge: { url: "mqtts://127.0.0.1:8883" }\nstate: ${scratch.path}/state\n`;
    writeFileSync(centre, `node: centre-1\n${rest}devices:\n  vehicles: ${device}\n`);
    const none = await probe(centre, "--seconds", "1");
    expect([none.code, none.lines]).toMatchObject([
      1,
      [{ ok: false, code: "LISTENING_UNHEARD", hint: expect.stringContaining("listen") }],
    ]);
    const asked = probe(centre, "--seconds", "60");
    const place = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
    const open = () => startTerminal({ port, phone: "013912345678", placeAt: () => place }).catch(() => undefined);
    let terminal = await open();
    while (terminal === undefined) {
      await wait(50);
      terminal = await open();
    }
    expect(await asked).toMatchObject({
      code: 0,
      lines: [{ ok: true, reading: { kind: "position", latitudeDeg: 39.9 } }],
    });
    await terminal.close();
  });

  test("--scan finds a slave that we did not write (pymodbus) on a serial line, and says what it may be", async (context) => {
    needRigs(context, "socat", "pymodbus");
    const pair = await openPtyPair(join(scratch.path, "scan"));
    const slave = startPymodbus("serial", pair.devicePath);
    const config = serialConfig("scan.yaml", pair.path, "baudRate: 9600");
    // A pseudo terminal has no baud rate: at every one the slave would be found.
    const { lines, code } = await answered(config, "--units", "1-3", "--baud", "9600", "--parity", "none");
    expect(lines).toMatchObject([
      {
        bus: "line",
        unit: 1,
        baudRate: 9600,
        parity: "none",
        fits: expect.arrayContaining([
          {
            profile: "sonbest-sm7901b",
            levelDb: 53.6,
            because: ["delivered at 9600 baud, parity none", "delivered as unit 1"],
          },
          expect.objectContaining({ profile: "gemho", levelDb: 55 }),
        ]),
        guess: { profile: expect.any(String) },
      },
    ]);
    expect(code).toBe(0);
    await slave.stop();
    await pair.close();
  });

  test("--scan tells a weather station by its other values (libmodbus), and tries the other settings in vain elsewhere", async (context) => {
    needRigs(context, "socat", "libmodbus");
    const pair = await openPtyPair(join(scratch.path, "weather"));
    const slave = startLibmodbus(pair.devicePath, 4, { 504: 551, 505: 215, 506: 534 });
    const config = serialConfig("weather.yaml", pair.path, "baudRate: 4800");
    const { lines } = await answered(config, "--units", "4", "--baud", "4800", "--parity", "none");
    expect(lines).toMatchObject([
      {
        unit: 4,
        baudRate: 4800,
        guess: { profile: "renke-weather", isOnlyOne: true },
        fits: [{ because: expect.arrayContaining(["humidity reads 55.1 %RH", "temperature reads 21.5 °C"]) }],
      },
    ]);
    await slave.stop();
    const silent = await runShao(
      "probe",
      config,
      "--scan",
      "--units",
      "4",
      "--baud",
      "4800,9600",
      "--parity",
      "none,even",
    );
    expect([silent.lines, silent.code]).toMatchObject([[{ bus: "line", code: "WIRING_SILENT" }], 1]);
    await pair.close();
  });

  test("a list that cannot be used is wrong usage", async () => {
    for (const args of [
      ["--baud", "9600,fast"],
      ["--parity", "odd,mark"],
      ["--units", "0-300"],
    ]) {
      expect((await probe(file, "--scan", ...args)).code).toBe(64);
    }
  });

  test("a device that the config lacks, and a config that is bad, say so", async () => {
    const unknown = await probe(file, "radio");
    expect([unknown.code, unknown.talk]).toEqual([64, expect.stringContaining("noise-02")]);
    writeFileSync(join(scratch.path, "bad.yaml"), "node: 7\n");
    expect((await probe(join(scratch.path, "bad.yaml"))).code).toBe(78);
  });
});

function serialConfig(name: string, serial: string, more: string): string {
  const path = join(scratch.path, name);
  writeFileSync(
    path,
    `node: site-1
bridge: { url: "mqtts://127.0.0.1:8883" }
state: ${scratch.path}/state
buses: { line: { serial: "${serial}", ${more} } }
devices: {}
`,
  );
  return path;
}

/** A scan that found somebody: a slave of another program needs a moment until it listens, and answers late on a busy machine. */
async function answered(config: string, ...how: readonly string[]): ReturnType<typeof runShao> {
  for (let tries = 0; tries < 10; tries++) {
    const result = await runShao("probe", config, "--scan", ...how);
    // A busy machine answers late now and then, which the line's wires are then blamed for.
    const lines = foundUnits(result.lines);
    if (lines.length > 0) return { ...result, lines };
  }
  throw new Error("the slave never answered");
}

function foundUnits(lines: readonly unknown[]): unknown[] {
  return lines.filter((line) => typeof line === "object" && line !== null && "fits" in line);
}

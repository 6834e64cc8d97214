import { chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, connect as dial } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { talkerOf } from "../../cli/init/listen.ts";
import { writeSecret } from "../../cli/init/secret-file.ts";
import { serialPorts } from "../../cli/init/serial-ports.ts";
import { systemLocale } from "../../cli/locale.ts";
import { wiringFaults } from "../../cli/probe/wiring.ts";
import { openPtyPair } from "../../cli/sim/pty-pair.ts";
import { withCrc } from "../../drivers/bus/crc16.ts";
import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { freePort, needRigs, scratchFolder, startPymodbus } from "../fakes/rigs.ts";
import { runShao } from "../fakes/run-shao.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const QUIET = ["--yes", "--units", "1-2", "--node", "site-7", "--time-zone", "Asia/Shanghai"];

describe("shao init", () => {
  test("writes a config from a meter that we did not write (pymodbus) and a receiver, which check passes", async (context) => {
    needRigs(context, "socat", "pymodbus");
    const pair = await openPtyPair(join(scratch.path, "meter"));
    const slave = startPymodbus("serial", pair.devicePath);
    const receiver = await startGpsSimulator({
      listen: { tcp: {} },
      positionAt: () => ({ latitudeDeg: 39.9125, longitudeDeg: 116.456 }),
    });
    await wait(1000);
    const file = join(scratch.path, "etc/site.yaml");
    const address = ["--address", `127.0.0.1:${receiver.port}`];
    const port = ["--port", pair.path, "--bridge", "mqtts://bridge.example.com:8883"];
    const first = await runShao("init", file, ...QUIET, ...port, ...address);
    expect(first.lines).toMatchObject([{ file, node: "site-7", devices: ["noise-01", "gps"], cameras: [] }]);
    const text = readFileSync(file, "utf8");
    expect(text).toContain(`  rs485: { serial: ${pair.path}, baudRate: 9600, parity: none }`);
    expect(text).toMatch(
      / {2}noise-01: \{ driver: modbus-noise, bus: rs485, unit: 1, profile: [a-z0-9-]+, periodMs: 1000 \}/,
    );
    expect(text).toContain("latitudeDeg: 39.912500, longitudeDeg: 116.456000");
    expect(text).toContain("night-noise-01: { kind: trigger, device: noise-01, limitDb: 70.0 }");
    expect(first.talk).toContain("shao enroll https://bridge.example.com:8443 TOKEN --state ./state/site-7");
    expect((await runShao("check", file)).code).toBe(0);
    const again = await runShao("init", file, ...QUIET);
    expect([again.code, again.talk]).toEqual([64, expect.stringContaining("--force")]);
    await slave.stop();
    await receiver.close();
    await pair.close();
  });

  test("answers come from whoever types them, in Chinese where the system speaks it; a port that is not there is told", async () => {
    const file = join(scratch.path, "zh.yaml");
    const gone = join(scratch.path, "ttyNONE");
    const { code, talk, lines } = await runShao("init", file, ...QUIET, "--lang", "zh-CN", "--port", gone);
    expect(code).toBe(1);
    expect(talk).toContain("给本机配对");
    expect(lines).toMatchObject([{ devices: [], missing: [expect.stringContaining(gone)] }]);
    expect((await runShao("check", file)).code).toBe(0);
  });

  test("two meters (pymodbus) with one address on a line are told from their two answers, swapped wires from silence", async (context) => {
    needRigs(context, "pymodbus");
    const ports = [await freePort(), await freePort()];
    const slaves = ports.map((port) => startPymodbus("rtu", String(port)));
    for (const port of ports) await listens(port);
    const line = await relay(ports, (bytes) => bytes);
    const swapped = await relay(ports, (bytes) => bytes.map((byte) => byte ^ 0xff));
    const file = join(scratch.path, "two.yaml");
    const buses = [line, swapped].map(({ port }, at) => `  line-${at}: { tcp: "127.0.0.1:${port}", framing: rtu }\n`);
    writeFileSync(
      file,
      `node: two\nbridge: { url: "mqtts://127.0.0.1" }\nstate: ${scratch.path}/two\nbuses:\n${buses.join("")}`,
    );
    const { lines, talk } = await runShao("probe", file, "--scan", "--units", "1-2");
    expect(talk).toBe("");
    expect(lines).toContainEqual(
      expect.objectContaining({ bus: "line-0", code: "WIRING_ADDRESS_TWICE", unit: 1, hint: expect.any(String) }),
    );
    expect(lines.filter((found) => JSON.stringify(found).includes("line-1"))).toMatchObject([
      { code: "WIRING_SILENT", hint: expect.stringContaining("swap A and B") },
    ]);
    line.close();
    swapped.close();
    for (const slave of slaves) await slave.stop();
  });
});

describe("what the bytes of a line say of its wires", () => {
  const answer = withCrc(Uint8Array.of(3, 3, 2, 2, 0x18));
  const request = withCrc(Uint8Array.of(3, 3, 0, 0, 0, 1));
  const none = new Uint8Array();
  const asked = (unit: number, heard: Uint8Array, outcome: "answered" | "spoilt" | "silent") => ({
    unit,
    heard,
    outcome,
  });

  test("a clean line and a meter that is not there are no fault", () => {
    expect(wiringFaults([asked(1, none, "silent"), asked(3, answer, "answered")])).toEqual([]);
  });

  test("each symptom has its name", () => {
    const held = asked(3, new Uint8Array(20), "spoilt");
    expect(wiringFaults([held, held])).toEqual([{ code: "WIRING_HELD" }]);
    expect(wiringFaults([asked(3, request, "spoilt")])).toEqual([{ code: "WIRING_ECHO" }]);
    const spoilt = asked(
      3,
      answer.map((byte) => byte ^ 0x15),
      "spoilt",
    );
    expect(wiringFaults([asked(1, none, "silent"), spoilt])).toEqual([
      { code: "WIRING_ADDRESS_TWICE", unit: 3, spoiltShare: 1 },
    ]);
    const good = Array.from({ length: 9 }, () => asked(3, answer, "answered"));
    expect(wiringFaults([...good, spoilt])).toEqual([{ code: "WIRING_NOISE", unit: 3, spoiltShare: 0.1 }]);
    expect(wiringFaults(good, Uint8Array.of(0, ...request))).toEqual([{ code: "WIRING_OTHER_MASTER" }]);
  });
});

test("a secret is its owner's alone; what root writes for the service, into a folder of its group, the service may read", (context) => {
  const folder = join(scratch.path, "secrets");
  writeSecret(join(folder, "own.password"), "a secret");
  expect(readFileSync(join(folder, "own.password"), "utf8")).toBe("a secret\n");
  expect(statSync(join(folder, "own.password")).mode & 0o777).toBe(0o600);
  if (process.getuid?.() !== 0) context.skip("only root gives files away");
  const group = 4321;
  chownSync(folder, 0, group);
  writeSecret(join(folder, "gate.password"), "a secret");
  const { mode, gid, uid } = statSync(join(folder, "gate.password"));
  expect([mode & 0o777, uid, gid]).toEqual([0o640, 0, group]);
});

test("ports are named by what stays: by-id first, each once, a UART only where there is one", () => {
  const dev = join(scratch.path, "dev");
  mkdirSync(join(dev, "serial/by-id"), { recursive: true });
  for (const name of ["ttyUSB0", "ttyUSB1", "ttyS77", "tty7"]) writeFileSync(join(dev, name), "");
  symlinkSync("../../ttyUSB1", join(dev, "serial/by-id/usb-FTDI_FT232R-if00-port0"));
  expect(serialPorts(dev)).toEqual([
    { path: join(dev, "serial/by-id/usb-FTDI_FT232R-if00-port0"), device: join(dev, "ttyUSB1"), isUnstable: false },
    { path: join(dev, "ttyUSB0"), device: join(dev, "ttyUSB0"), isUnstable: true },
  ]);
});

test("who talks by himself is known by his words, and noise is nobody", () => {
  const sentence = "$GPRMC,092750.000,A,5321.6802,N,00630.3372,W,0.02,31.66,280511,,,A*43\r\n";
  expect(talkerOf(Buffer.from(sentence.repeat(3)))).toMatchObject({
    driver: "gps-nmea",
    latitudeDeg: expect.closeTo(53.3613, 3),
  });
  expect(talkerOf(Uint8Array.from({ length: 500 }, (_, at) => (at * 37) & 0xff))).toBeUndefined();
});

test("the language is the system's", () => {
  expect(systemLocale({ LANG: "zh_CN.UTF-8" })).toBe("zh-CN");
  expect(systemLocale({ LC_ALL: "C", LANG: "zh_CN.UTF-8" })).toBe("en");
});

async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = dial(port, "127.0.0.1");
    const isThere = await new Promise<boolean>((done) => {
      socket.once("connect", () => done(true)).once("error", () => done(false));
    });
    socket.destroy();
    if (isThere) return;
    await wait(50);
  }
}

/** A line on which each slave hears every question: what one client sends goes to all, and all their answers come back. */
async function relay(ports: readonly number[], over: (bytes: Uint8Array) => Uint8Array) {
  const server = createServer((client) => {
    const slaves = ports.map((port) => dial(port, "127.0.0.1"));
    client.on("data", (bytes) => slaves.forEach((slave) => void slave.write(over(bytes))));
    for (const slave of slaves)
      slave.on("data", (bytes) => void client.write(over(bytes))).on("error", () => undefined);
    client.on("error", () => undefined).on("close", () => slaves.forEach((slave) => void slave.destroy()));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, close: () => server.close() };
}

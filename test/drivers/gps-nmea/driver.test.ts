import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import { gpsNmea } from "../../../drivers/gps-nmea/driver.ts";
import { epochSentences, startGpsSimulator } from "../../../drivers/gps-nmea/simulator.ts";
import { openSerialLink } from "../../../drivers/serial/serial-link.ts";
import { freePort, needRigs, scratchFolder, until } from "../../fakes/rigs.ts";
import { type RunningDevice, runDevice } from "../../fakes/running-device.ts";
import { unheldRejections } from "../../fakes/unheld-rejections.ts";

/** As the gateway hands it over: defaults filled in. */
const TCP = { baudRate: 9600, periodMs: 100, metresPerHdop: 5 };

const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** Serves these bytes to whoever connects, in small pieces. */
async function byteServer(bytes: Uint8Array): Promise<{ tcp: string; close(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    void (async () => {
      for (let offset = 0; offset < bytes.length && !socket.destroyed; offset += 97) {
        socket.write(bytes.subarray(offset, offset + 97));
        if (offset % 970 === 0) await wait(1);
      }
    })();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    tcp: typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "",
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

function kinds(device: RunningDevice): string[] {
  return device.readings.map(({ kind }) => kind);
}

describe("GNSS receiver", () => {
  test("over TCP: one position and one time for each epoch, and the way out of a closed connection", async () => {
    const options = { positionAt: () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4, speedMps: 4 }), periodMs: 100 };
    let simulator = await startGpsSimulator({ ...options, listen: { tcp: {} } });
    const port = simulator.port ?? 0;
    await using device = runDevice("gps-nmea", { ...TCP, tcp: `127.0.0.1:${port}`, periodMs: 100 });
    await until(() => device.readings.length >= 6);
    expect(kinds(device).slice(0, 4)).toEqual(["position", "time", "position", "time"]);
    expect(device.readings[0]).toMatchObject({ latitudeDeg: 39.9, longitudeDeg: 116.4, speedMps: 4, fix: "gnss" });
    const [position, time] = device.readings;
    if (position?.kind !== "position" || time?.kind !== "time") throw new Error("no epoch");
    expect(Math.abs(time.utcMs - time.atMs)).toBeLessThan(1000);
    expect(position.fixAtMs).toBe(time.utcMs);
    await simulator.close();
    await until(() => device.state() === "offline");
    expect(device.health.at(-1)?.body).toMatchObject({
      code: expect.stringMatching(/CONNECTION_/),
      hint: expect.any(String),
    });
    const before = device.readings.length;
    simulator = await startGpsSimulator({ ...options, listen: { tcp: { port } } });
    await until(() => device.readings.length > before);
    await simulator.close();
  });

  test("a serial server that resets the connection while a reading waits is away, and nothing else ends", async () => {
    const unheld = unheldRejections();
    const place = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
    const epochs = [0, 1000].flatMap((laterMs) => epochSentences(Date.now() + laterMs, place));
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write(epochs.join(""));
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    const port = await freePort();
    server.listen(port, "127.0.0.1");
    const slow: typeof gpsNmea = {
      ...gpsNmea,
      run: (config, context) =>
        gpsNmea.run(config, { ...context, emit: (...one) => wait(100).then(() => context.emit(...one)) }),
    };
    await using device = runDevice(slow, { ...TCP, tcp: `127.0.0.1:${port}`, periodMs: 100 });
    await until(() => device.health.at(-1)?.body.code === "CONNECTION_LOST");
    expect(unheld).toEqual([]);
    server.close();
  });

  test("a receiver without a fix is online, and its health says what it sees", async () => {
    const simulator = await startGpsSimulator({ listen: { tcp: {} }, positionAt: () => undefined, periodMs: 50 });
    await using device = runDevice("gps-nmea", { ...TCP, tcp: `127.0.0.1:${simulator.port}` });
    await until(() => device.health.at(-1)?.body.code === "GNSS_NO_FIX");
    expect(device.health.at(-1)?.body).toMatchObject({
      state: "online",
      message: "the receiver has no fix; it sees 3 satellites, the best with 21 dB-Hz",
    });
    expect(device.readings).toEqual([]);
    await simulator.close();
  });

  test("a receiver that simulates gives neither place nor time; one that reckons gives a place and no time", async () => {
    const options = {
      listen: { tcp: {} },
      positionAt: () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4 }),
      periodMs: 50,
    };
    const simulated = await startGpsSimulator({ ...options, style: { mode: "S" } });
    await using first = runDevice("gps-nmea", { ...TCP, tcp: `127.0.0.1:${simulated.port}` });
    await until(() => first.health.at(-1)?.body.code === "GNSS_NOT_MEASURED");
    expect(first.readings).toEqual([]);
    await simulated.close();
    const reckoned = await startGpsSimulator({ ...options, style: { mode: "E" } });
    await using second = runDevice("gps-nmea", { ...TCP, tcp: `127.0.0.1:${reckoned.port}` });
    await until(() => second.readings.length >= 3);
    expect(second.readings.every((one) => one.kind === "position" && one.fix === "estimated")).toBe(true);
    await reckoned.close();
  });

  test("over UDP: BeiDou's sentences in datagrams, of one sender at a time", async () => {
    const port = await freePort("udp");
    await using device = runDevice("gps-nmea", { ...TCP, tcp: undefined, udp: `127.0.0.1:${port}`, periodMs: 300 });
    const at = (latitudeDeg: number) => () => ({ latitudeDeg, longitudeDeg: 116.4 });
    const send = (latitudeDeg: number) =>
      startGpsSimulator({
        listen: { udp: { host: "127.0.0.1", port } },
        positionAt: at(latitudeDeg),
        periodMs: 50,
        style: { talker: "BD" },
      });
    const first = await send(39.9);
    await until(() => device.readings.length >= 4);
    expect(device.readings[0]).toMatchObject({ kind: "position", latitudeDeg: 39.9, source: "BD", satellites: 12 });
    expect(kinds(device).slice(0, 4)).toEqual(["position", "time", "position", "time"]);
    const second = await send(40.9);
    await until(() => device.health.at(-1)?.body.code === "NMEA_OTHER_SENDER");
    const places = () => new Set(device.readings.flatMap((one) => (one.kind === "position" ? one.latitudeDeg : [])));
    expect([...places()]).toEqual([39.9]);
    await first.close();
    await until(() => places().has(40.9));
    await second.close();
  });

  test("over UDP: a sender that the config does not name is not heard", async () => {
    const port = await freePort("udp");
    const config = { ...TCP, tcp: undefined, udp: `127.0.0.1:${port}`, udpFrom: "192.0.2.7" };
    await using device = runDevice("gps-nmea", config);
    const listen = { udp: { host: "127.0.0.1", port } };
    const positionAt = () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4 });
    const simulator = await startGpsSimulator({ listen, positionAt, periodMs: 50 });
    await until(() => device.health.at(-1)?.body.code === "NMEA_OTHER_SENDER");
    expect(device.readings).toEqual([]);
    await simulator.close();
  });

  test("the config says one of serial, tcp and udp", () => {
    const rest = { baudRate: 9600, periodMs: 1000, metresPerHdop: 5 };
    const messages = [{}, { tcp: "a:1", udp: "b:2" }, { tcp: "a:1", udpFrom: "192.0.2.7" }, { udp: "0.0.0.0:1" }].map(
      (one) => gpsNmea.check?.({ ...rest, ...one })[0]?.message,
    );
    expect(messages).toEqual([
      "none of serial, tcp and udp is given",
      "tcp and udp are given",
      "udpFrom says nothing beside tcp",
      undefined,
    ]);
  });

  test("a receiver whose weeks have wrapped: positions, no time, and its health says so", async () => {
    const place = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
    const seconds = [0, 1, 2, 3, 4, 5].map((second) => Date.now() + second * 1000);
    const bytes = seconds.flatMap((atMs) => epochSentences(atMs, place, { hasWrapped: true })).join("");
    const server = await byteServer(Buffer.from(bytes));
    await using device = runDevice("gps-nmea", { ...TCP, tcp: server.tcp, periodMs: 200 });
    await until(() => device.readings.length === 6);
    expect(kinds(device).every((kind) => kind === "position")).toBe(true);
    expect(device.readings.some((reading) => "fixAtMs" in reading)).toBe(false);
    expect(device.health.at(-1)?.body).toMatchObject({ state: "online", code: "GNSS_DATE_SUSPECT" });
    expect(device.health.at(-1)?.body.message).toContain("1024 weeks off");
    await device[Symbol.asyncDispose]();
    await server.close();
  });

  test("a port that sends something else is silent, and the hint speaks of the baud rate", async () => {
    const server = await byteServer(Uint8Array.from({ length: 5000 }, (_, index) => (index * 37) & 0xff));
    await using device = runDevice("gps-nmea", { ...TCP, tcp: server.tcp, periodMs: 200 });
    await until(() => device.state() === "silent");
    expect(device.health.at(-1)?.body).toMatchObject({ code: "NMEA_FRAMING", hint: expect.stringContaining("baud") });
    await device[Symbol.asyncDispose]();
    await server.close();
  });
});

describe("a receiver's log that nobody here wrote", () => {
  const log = readFileSync("test/traces/gps-nmea/rx210.nmea");
  const fixes = readFileSync("test/traces/gps-nmea/rx210.expected", "utf8")
    .split("\n")
    .filter((line) => line.includes('"lat"'));

  test("over TCP: gpsd's own count of positions", async () => {
    const server = await byteServer(log);
    await using device = runDevice("gps-nmea", { ...TCP, tcp: server.tcp, periodMs: 1000 });
    await until(() => device.readings.length >= fixes.length);
    expect(device.readings[0]).toMatchObject({ kind: "position", latitudeDeg: JSON.parse(fixes[0] ?? "").lat });
    expect(kinds(device).filter((kind) => kind === "position")).toHaveLength(fixes.length);
    await device[Symbol.asyncDispose]();
    await server.close();
  });

  test("over a serial line, and after the cable was pulled and plugged in again", async (context) => {
    needRigs(context, "socat");
    const path = join(scratch.path, "gps");
    let pair = await openPtyPair(path);
    await using device = runDevice("gps-nmea", { ...TCP, serial: path, periodMs: 1000 });
    const replay = async () => {
      const link = await openSerialLink(pair.devicePath, { baudRate: 9600 });
      await link.write(log);
      return link;
    };
    await wait(300);
    const first = await replay();
    await until(() => device.readings.length >= fixes.length);
    expect(device.readings.at(-1)).toMatchObject({ kind: "position", latitudeDeg: JSON.parse(fixes.at(-1) ?? "").lat });
    await pair.close();
    await first[Symbol.asyncDispose]();
    await until(() => device.state() === "offline");
    expect(device.health.at(-1)?.body.code).toBe("PORT_LOST");
    const before = device.readings.length;
    pair = await openPtyPair(path);
    await until(() => device.health.at(-1)?.body.code === "PORT_LOST");
    await wait(1600);
    const second = await replay();
    await until(() => device.readings.length >= before + fixes.length);
    await second[Symbol.asyncDispose]();
    await device[Symbol.asyncDispose]();
    await pair.close();
  });
});

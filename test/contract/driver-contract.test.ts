import { createSocket } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { deviceLinks } from "../../drivers/device-links.ts";
import type { Driver, Reading } from "../../drivers/driver.ts";
import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { loadDriver } from "../../drivers/registry.ts";
import type { DeviceHealth } from "../../gateway/contracts/readings.ts";
import { startSupervisor } from "../../gateway/supervisor/supervisor.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { freePort, until } from "../fakes/rigs.ts";
import { tellingRegister } from "../fakes/slave-line.ts";
import { dustOnBus, radio, sensorOverUdp, stationServer, weatherOverTcp } from "./example-drivers.ts";

const EXAMPLES: readonly Driver[] = [dustOnBus, weatherOverTcp, sensorOverUdp, stationServer, radio];

/** Devices on the real supervisor, real links and real time. */
function serve(devices: Record<string, { driver: string; config: unknown }>) {
  const clock = systemClock();
  const stop = new AbortController();
  const readings: { device: string; subject?: string; reading: Reading }[] = [];
  const health: DeviceHealth[] = [];
  const supervisor = startSupervisor({
    devices: Object.entries(devices).map(([id, device]) => ({ id, ...device })),
    load: async (kind) => EXAMPLES.find((driver) => driver.kind === kind) ?? loadDriver(kind),
    links: deviceLinks(clock),
    clock,
    signal: stop.signal,
    log: new QuietLog(),
    onReading: ({ device, subject, reading }) => {
      readings.push({ device, reading, ...(subject && { subject: subject.id }) });
    },
    onHealth: (one) => {
      health.push(one);
    },
  });
  const of = (device: string) => readings.filter((reading) => reading.device === device);
  const ask = (device: string, kind: string, args = {}) =>
    supervisor.deliver({ device, id: `c-${kind}`, kind, args, timeoutMs: 2000 });
  const end = async () => {
    stop.abort();
    await supervisor.done;
  };
  return { supervisor, readings, health, of, ask, end };
}

/** A TCP peer of the device's side. */
async function peer(onConnection: (socket: Socket) => void): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

describe("the driver contract carries", () => {
  test("a shared bus: noise and dust meters on one line, and a command between the polls", async () => {
    const line = await startNoiseSimulator({
      listen: { tcp: {}, framing: "rtu" },
      units: [1, 2, 3],
      levelAt: () => 60,
      registerAt: (unit, code, address) => (unit === 1 && address === 0 ? 612 : tellingRegister(unit, code, address)),
    });
    const bus = { port: { tcp: `127.0.0.1:${line.port}` }, settings: { framing: "rtu" } };
    const rig = serve({
      noise: { driver: "modbus-noise", config: { bus, unit: 1, profile: "renke", periodMs: 200, timeoutMs: 100 } },
      "dust-a": { driver: "dust-on-bus", config: { bus, unit: 2, periodMs: 200 } },
      "dust-b": { driver: "dust-on-bus", config: { bus, unit: 3, periodMs: 200 } },
    });
    await until(() => ["noise", "dust-a", "dust-b"].every((device) => rig.of(device).length >= 3));
    expect(rig.of("noise")[0]?.reading).toMatchObject({ kind: "noise", levelDb: 61.2 });
    for (const [device, unit] of [
      ["dust-a", 2],
      ["dust-b", 3],
    ] as const) {
      expect(
        rig
          .of(device)
          .every(({ reading }) => reading.kind === "measurement" && reading.value === tellingRegister(unit, 3, 3)),
      ).toBe(true);
    }
    expect(await rig.ask("dust-b", "relay", { on: true })).toEqual({ ok: true, value: [1] });
    await rig.end();
    await line.close();
  });

  test("a TCP client, through rubbish, a closed connection and a return", async () => {
    let connections = 0;
    const station = await peer((socket) => {
      connections++;
      socket.write("noise\nWIND=4");
      setTimeout(() => socket.write(".5\nWIND=5\n"), 20);
      if (connections === 1) setTimeout(() => socket.end(), 60);
    });
    const tcp = { host: "127.0.0.1", port: station.port };
    const rig = serve({ weather: { driver: "weather-over-tcp", config: { tcp, periodMs: 1000 } } });
    await until(() => rig.of("weather").length >= 4);
    expect(rig.of("weather").map(({ reading }) => reading.kind === "measurement" && reading.value)).toEqual([
      4.5, 5, 4.5, 5,
    ]);
    expect(rig.health.map(({ body }) => body.state)).toEqual(["starting", "online", "offline", "online"]);
    expect(rig.health[2]?.body).toMatchObject({ code: "CONNECTION_LOST", hint: expect.any(String) });
    await rig.end();
    await station.close();
  });

  test("a UDP client", async () => {
    const sensor = createSocket("udp4");
    sensor.on("message", (_, from) => sensor.send("0.5", from.port, from.address));
    const { promise, resolve } = Promise.withResolvers<void>();
    sensor.bind(0, "127.0.0.1", resolve);
    await promise;
    const udp = { host: "127.0.0.1", port: sensor.address().port };
    const rig = serve({ rain: { driver: "sensor-over-udp", config: { udp, periodMs: 50 } } });
    await until(() => rig.of("rain").length >= 3);
    expect(rig.of("rain")[0]?.reading).toMatchObject({ kind: "measurement", value: 0.5 });
    await rig.end();
    sensor.close();
  });

  test("a listening server: many stations at once, each a subject with readings and health of its own", async () => {
    const port = await freePort();
    const rig = serve({
      city: { driver: "station-server", config: { listen: { host: "127.0.0.1", port }, subjectPeriodMs: 300 } },
    });
    await until(() => rig.supervisor.health().length === 1);
    const stations = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        let text = "";
        let socket: Socket | undefined;
        await until(() => {
          if (socket?.readyState === "open") return true;
          if (socket === undefined || socket.destroyed) {
            socket = connect(port, "127.0.0.1");
            socket.on("error", () => undefined);
            socket.on("data", (chunk) => {
              text += String(chunk);
            });
          }
          return false;
        });
        socket?.write(`MN${index} ${50 + index}\nrubbish\nMN${index} 99\n`);
        return { socket, acknowledged: () => text.split("ACK\n").length - 1 };
      }),
    );
    await until(() => stations.every((station) => station.acknowledged() === 2));
    expect(rig.readings).toHaveLength(80);
    for (let index = 0; index < 40; index++) {
      const own = rig.readings.filter(({ subject }) => subject === `MN${index}`);
      expect(own.map(({ reading }) => reading.kind === "measurement" && reading.value)).toEqual([50 + index, 99]);
    }
    stations[0]?.socket?.destroy();
    const stationHealth = () => rig.supervisor.health().filter(({ subject }) => subject !== undefined);
    expect(stationHealth()).toHaveLength(40);
    await until(() => stationHealth().every(({ body }) => body.state === "silent"));
    stations[1]?.socket?.write("MN1 51\n");
    await until(() => stationHealth().some(({ subject, body }) => subject?.id === "MN1" && body.state === "online"));
    await rig.end();
    for (const { socket } of stations) socket?.destroy();
  });

  test("many handsets behind one radio, and commands inward that are each answered once", async () => {
    const outbox: string[] = [];
    const base = await peer((socket) => {
      socket.write("FROM 1001 on my way\nFROM 1002 EMERGENCY\n");
      socket.on("data", (chunk) => {
        outbox.push(String(chunk).trim());
        const id = String(chunk).split(" ")[1];
        if (!String(chunk).includes("1009")) socket.write(`SENT ${id}\n`);
      });
    });
    const rig = serve({ radio: { driver: "radio", config: { tcp: { host: "127.0.0.1", port: base.port } } } });
    await until(() => rig.readings.length === 2);
    expect(rig.readings).toMatchObject([
      { subject: "1001", reading: { kind: "message", type: "text", text: "on my way" } },
      { subject: "1002", reading: { kind: "message", type: "emergency" } },
    ]);
    expect(await rig.ask("radio", "text", { to: "1001", text: "go" })).toEqual({ ok: true, value: { to: "1001" } });
    expect(outbox).toEqual(["SEND c-text 1001 go"]);
    expect(await rig.ask("radio", "relay")).toMatchObject({ ok: false, code: "RADIO_UNABLE" });
    const hanging = rig.ask("radio", "text", { to: "1009", text: "lost" });
    await base.close();
    expect(await hanging).toMatchObject({ ok: false, code: "DEVICE_OFFLINE" });
    await rig.end();
  });
});

import { createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { gpsd } from "../../../drivers/gpsd/driver.ts";
import { startGpsdSimulator } from "../../../drivers/gpsd/simulator.ts";
import { until as untilSo } from "../../fakes/rigs.ts";
import { runDevice } from "../../fakes/running-device.ts";
import { unheldRejections } from "../../fakes/unheld-rejections.ts";

/** Machines may be busy. */
const until = (isSo: () => boolean) => untilSo(isSo, 50_000);

const GREETING = '{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}';
const positionAt = () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4, speedMps: 4, bearingDeg: 90 });

async function says(...lines: readonly string[]): Promise<string> {
  return serves((socket) => {
    for (const line of lines) socket.write(`${line}\n`);
  });
}

async function greets(then: (socket: Socket) => void): Promise<string> {
  return serves((socket) => {
    socket.write(`${GREETING}\n`);
    setTimeout(then, 10, socket);
  });
}

async function serves(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
}

describe("receiver behind gpsd", { timeout: 120_000 }, () => {
  test("one position and one time an epoch, though gpsd reports it twice", async () => {
    const gpsd = await startGpsdSimulator({ listen: { tcp: {} }, positionAt, periodMs: 200 });
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${gpsd.port}`, periodMs: 200 });
    await until(() => device.readings.length >= 6);
    expect(device.readings.slice(0, 4).map(({ kind }) => kind)).toEqual(["position", "time", "position", "time"]);
    expect(device.readings[2]).toMatchObject({
      latitudeDeg: 39.9,
      bearingDeg: 90,
      fix: "gnss",
      source: "/dev/ttyACM0",
    });
    await gpsd.close();
  });

  test("dead reckoning gives a place and no time; a simulation neither; no fix is said", async () => {
    for (const [status, code] of [
      [5, undefined],
      [8, "GNSS_NOT_MEASURED"],
    ] as const) {
      const gpsd = await startGpsdSimulator({ listen: { tcp: {} }, positionAt, periodMs: 50, status });
      await using device = runDevice("gpsd", { tcp: `127.0.0.1:${gpsd.port}`, periodMs: 100 });
      await until(() => (code === undefined ? device.readings.length > 3 : device.health.at(-1)?.body.code === code));
      expect(device.readings.every((one) => one.kind === "position" && one.fix === "estimated")).toBe(true);
      expect(device.readings.length === 0).toBe(code !== undefined);
      await gpsd.close();
    }
    const blind = await startGpsdSimulator({ listen: { tcp: {} }, positionAt: () => undefined, periodMs: 50 });
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${blind.port}`, periodMs: 100 });
    await until(() => device.health.at(-1)?.body.code === "GNSS_NO_FIX");
    expect(device.state()).toBe("online");
    await blind.close();
  });

  test("a wrapped date is not believed: positions without it, and no time", async () => {
    const nowMs = () => Date.now() - 7168 * 86_400_000;
    const gpsd = await startGpsdSimulator({ listen: { tcp: {} }, positionAt, periodMs: 50, nowMs });
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${gpsd.port}`, periodMs: 100 });
    await until(() => device.health.at(-1)?.body.code === "GNSS_DATE_SUSPECT");
    expect(device.readings.every((one) => one.kind === "position" && one.fixAtMs === undefined)).toBe(true);
    await gpsd.close();
  });

  test("unplugged behind it: the device is gone, with a reason", async () => {
    const gpsd = await startGpsdSimulator({ listen: { tcp: {} }, positionAt, periodMs: 100 });
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${gpsd.port}`, periodMs: 100 });
    await until(() => device.readings.length > 0);
    gpsd.unplug();
    await until(() => device.health.some(({ body }) => body.code === "GPSD_RECEIVER_GONE"));
    await until(() => device.health.at(-1)?.body.code === "GPSD_NO_RECEIVER");
    expect(device.state()).toBe("silent");
    await gpsd.close();
  });

  test("a gpsd that greets and resets the connection is away, and nothing else ends", async () => {
    const unheld = unheldRejections();
    const tcp = await greets((socket) => socket.resetAndDestroy());
    // Asking for the watch takes a moment, as on a slow machine: the reset comes meanwhile.
    const slow: typeof gpsd = {
      ...gpsd,
      run: (config, context) =>
        gpsd.run(config, {
          ...context,
          async openTcp(address) {
            const link = await context.openTcp(address);
            return { ...link, write: async (bytes) => wait(50).then(() => link.write(bytes)) };
          },
        }),
    };
    await using device = runDevice(slow, { tcp, periodMs: 100 });
    await until(() => device.health.at(-1)?.body.code === "CONNECTION_LOST");
    expect(unheld).toEqual([]);
  });

  test("a gpsd that greets and then says nothing is silent", async () => {
    const tcp = await says(GREETING);
    await using device = runDevice("gpsd", { tcp, periodMs: 100 });
    await until(() => device.state() === "silent");
    expect(device.readings).toEqual([]);
  });

  test("another protocol version, and something that is no gpsd, are refused by name", async () => {
    const newer = await startGpsdSimulator({ listen: { tcp: {} }, positionAt, protocol: [4, 0] });
    await using first = runDevice("gpsd", { tcp: `127.0.0.1:${newer.port}`, periodMs: 100 });
    await until(() => first.health.at(-1)?.body.code === "GPSD_VERSION");
    expect(first.readings).toEqual([]);
    await newer.close();
    await using second = runDevice("gpsd", { tcp: await says("220 mail.example ESMTP"), periodMs: 100 });
    await until(() => second.health.at(-1)?.body.code === "GPSD_FRAMING");
    expect(second.state()).toBe("offline");
  });

  test("of two receivers one is followed, and the other once the first is silent", async () => {
    const tpv = (device: string, lat: number, second: number) =>
      JSON.stringify({ class: "TPV", device, mode: 3, time: `2026-11-21T15:00:0${second}Z`, lat, lon: 116.4 });
    const tcp = await says(
      '{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}',
      ...[1, 2, 3].flatMap((second) => [tpv("/dev/a", 39.9, second), tpv("/dev/b", 40.9, second)]),
    );
    await using device = runDevice("gpsd", { tcp, periodMs: 60_000 });
    await until(() => device.readings.filter(({ kind }) => kind === "position").length === 3);
    expect(new Set(device.readings.flatMap((one) => (one.kind === "position" ? one.source : [])))).toEqual(
      new Set(["/dev/a"]),
    );
    await using named = runDevice("gpsd", { tcp, receiver: "/dev/b", periodMs: 60_000 });
    await until(() => named.readings.filter(({ kind }) => kind === "position").length === 3);
    expect(named.readings[0]).toMatchObject({ latitudeDeg: 40.9, source: "/dev/b" });
  });
});

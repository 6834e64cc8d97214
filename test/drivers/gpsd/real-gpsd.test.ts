import { spawn } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { feed, startGpsd, startGpsfake } from "../../fakes/gpsd-rig.ts";
import { freePort, needRigs, scratchFolder, stopped, until } from "../../fakes/rigs.ts";
import { runDevice } from "../../fakes/running-device.ts";

const LOG = "test/traces/gps-nmea/ch-4711.nmea";
const scratch = scratchFolder();
chmodSync(scratch.path, 0o755);
afterAll(() => scratch.remove());

function positions(readings: readonly Reading[]) {
  return readings.filter((reading) => reading.kind === "position");
}

describe("Debian's gpsd", { timeout: 120_000 }, () => {
  test("replaying a recorded receiver: what gpspipe shows is what we read, one position an epoch", async (context) => {
    needRigs(context, "gpsd", "gpsfake", "gpspipe");
    const port = await freePort();
    const gpsd = await startGpsfake(port, LOG);
    onTestFinished(() => gpsd.stop());
    const pipe = spawn("gpspipe", ["-w", `127.0.0.1:${port}`]);
    onTestFinished(() => stopped(pipe));
    let shown = "";
    pipe.stdout.on("data", (bytes) => {
      shown += String(bytes);
    });
    await until(() => shown.includes('"TPV"'), 30_000);
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${port}`, periodMs: 1000 });
    await until(() => positions(device.readings).length >= 20, 30_000);
    const ours = positions(device.readings).slice(0, 20);
    await until(() => shown.split("\n").length > 200, 30_000);
    const theirs = shown
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.includes('"TPV"'))
      .map((line) => JSON.parse(line))
      .map(({ lat, lon, time }) => `${lat},${lon},${Date.parse(time)}`);
    for (const one of ours) expect(theirs).toContain(`${one.latitudeDeg},${one.longitudeDeg},${one.fixAtMs}`);
    const epochs = ours.map(({ fixAtMs }) => fixAtMs);
    expect(epochs.every((atMs, index) => index === 0 || atMs !== epochs[index - 1])).toBe(true);
    expect(ours.every(({ source }) => source?.startsWith("/dev/"))).toBe(true);
    expect(device.state()).toBe("online");
  });

  test("the receiver is unplugged behind it and plugged in again: gone, and then followed as before", async (context) => {
    needRigs(context, "gpsd", "socat");
    const port = await freePort();
    const path = join(scratch.path, "unplugged");
    let pair = await openPtyPair(path);
    const gpsd = await startGpsd(port, path);
    onTestFinished(() => gpsd.stop());
    let receiver = feed(pair.devicePath, LOG);
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${port}`, receiver: path, periodMs: 1000 });
    await until(() => positions(device.readings).length > 2, 60_000);
    expect(device.readings[0]).toMatchObject({ kind: "position", source: path.slice(0, 64) });
    await receiver.stop();
    await pair.close();
    expect(gpsd.remove()).toBe(0);
    await until(() => device.state() === "silent" && device.health.at(-1)?.body.code === "GPSD_NO_RECEIVER", 60_000);
    const before = device.readings.length;
    pair = await openPtyPair(path);
    // gpsd gave up root after its start.
    chmodSync(path, 0o666);
    receiver = feed(pair.devicePath, LOG);
    expect(gpsd.add()).toBe(0);
    await until(() => device.readings.length > before, 60_000);
    await receiver.stop();
    await device[Symbol.asyncDispose]();
    await pair.close();
  });

  test("gpsd is stopped and started anew: offline with a reason, and then online", async (context) => {
    needRigs(context, "gpsd", "socat");
    const port = await freePort();
    const path = join(scratch.path, "restarted");
    const pair = await openPtyPair(path);
    let gpsd = await startGpsd(port, path);
    const receiver = feed(pair.devicePath, LOG);
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${port}`, periodMs: 1000 });
    await until(() => positions(device.readings).length > 2, 60_000);
    await gpsd.stop();
    await until(() => device.state() === "offline");
    expect(device.health.at(-1)?.body.code).toMatch(/^CONNECTION_/);
    const before = device.readings.length;
    gpsd = await startGpsd(port, path);
    onTestFinished(() => gpsd.stop());
    await until(() => device.readings.length > before, 60_000);
    await receiver.stop();
    await device[Symbol.asyncDispose]();
    await pair.close();
  });

  test("a gpsd that lacks the receiver of the config is silent, and its health names those that it has", async (context) => {
    needRigs(context, "gpsd", "socat");
    const port = await freePort();
    const path = join(scratch.path, "mute");
    const pair = await openPtyPair(path);
    const gpsd = await startGpsd(port, path);
    onTestFinished(() => gpsd.stop());
    await using device = runDevice("gpsd", { tcp: `127.0.0.1:${port}`, receiver: "/dev/other", periodMs: 200 });
    await until(() => device.state() === "silent" && device.health.at(-1)?.body.code !== undefined, 30_000);
    expect(device.readings).toEqual([]);
    expect(device.health.at(-1)?.body).toMatchObject({
      code: "GPSD_NO_RECEIVER",
      message: expect.stringContaining(`it has ${path}`),
    });
    await device[Symbol.asyncDispose]();
    await pair.close();
  });
});

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Recording } from "../../../cli/sim/camera/recording.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { movingPictures, serveCamera, watchCamera } from "../../fakes/camera-rig.ts";
import { freezableDisk } from "../../fakes/frozen-disk.ts";
import { childrenOf, descriptors } from "../../fakes/process-facts.ts";
import { freePort, hasRig, needRigs, scratchFolder, stopped } from "../../fakes/rigs.ts";
import { smallDisk } from "../../fakes/small-disk.ts";

const SOON = { timeout: 40_000, interval: 20 };
const LIMITS = { firstBytesMs: 20_000, silenceMs: 1000, behindMs: 10_000, patienceMs: 300 };
const SHAO = new URL("../../../cli/shao.js", import.meta.url).pathname;

let moving: Recording;
let other: Recording;

beforeAll(async () => {
  if (!hasRig("ffmpeg")) return;
  moving = await movingPictures({ codec: "h264", fps: 10 });
  other = await movingPictures({ codec: "h264", fps: 10 }, "240x180", 1);
});

/** A clock whose pauses are `scale` times shorter. */
function hasty(scale: number) {
  const clock = systemClock();
  return { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / scale, signal) };
}

test("thirty faults in a row leave memory, descriptors and processes where they were", {
  timeout: 400_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { server, feed, url } = await serveCamera(moving);
  const { camera } = watchCamera({ url, ringS: 30 }, { limits: LIMITS, clock: hasty(20) });
  const isLive = () => vi.waitFor(() => expect(camera.state).toBe("live"), SOON);
  const isLost = () => vi.waitFor(() => expect(camera.state).not.toBe("live"), SOON);
  const cycle = async (): Promise<void> => {
    server.faults.isSilent = true;
    await isLost();
    server.faults.isSilent = false;
    await isLive();
    server.drop("rst");
    await isLost();
    await isLive();
    server.drop("fin");
    await isLost();
    server.faults.slowSetupMs = 300;
    server.faults.refusals = 1;
    await isLive();
    server.faults.slowSetupMs = 0;
    server.faults.lostShare = 0.1;
    const { captures, pictures } = camera.facts;
    await vi.waitFor(() => expect(camera.facts.pictures).toBeGreaterThan(pictures + 10), SOON);
    server.faults.lostShare = 0;
    feed.play(camera.header?.widthPx === 240 ? moving : other);
    await vi.waitFor(() => expect(camera.facts.captures).toBeGreaterThan(captures), SOON);
    await isLive();
  };
  await isLive();
  await cycle();
  const before = { rssBytes: process.memoryUsage.rss(), descriptors: descriptors() };
  for (let turn = 0; turn < 5; turn++) await cycle();
  expect(childrenOf(process.pid, "ffmpeg")).toHaveLength(1);
  expect(descriptors()).toBeLessThanOrEqual(before.descriptors + 3);
  expect(process.memoryUsage.rss() - before.rssBytes).toBeLessThan(60e6);
});

test("a camera that is gone for two hours costs nothing that stays", { timeout: 300_000 }, async (context) => {
  needRigs(context, "ffmpeg");
  const url = `rtsp://127.0.0.1:${await freePort()}/gate`;
  const clock = hasty(1000);
  let sleptMs = 0;
  const counting = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) => {
      sleptMs += ms;
      return clock.sleep(ms, signal);
    },
  };
  const { camera, log } = watchCamera({ url }, { limits: LIMITS, clock: counting });
  await vi.waitFor(() => expect(camera.facts.captures).toBeGreaterThan(5), SOON);
  const before = { rssBytes: process.memoryUsage.rss(), descriptors: descriptors() };
  await vi.waitFor(() => expect(sleptMs).toBeGreaterThan(2 * 3_600_000), { timeout: 250_000, interval: 100 });
  expect(camera.facts.captures).toBeGreaterThan(100);
  expect(camera.facts.captures).toBeLessThan(250);
  expect(childrenOf(process.pid, "ffmpeg").length).toBeLessThanOrEqual(1);
  expect(descriptors()).toBeLessThanOrEqual(before.descriptors + 6);
  expect(process.memoryUsage.rss() - before.rssBytes).toBeLessThan(60e6);
  expect(log.lines.at(-1)).toMatchObject({ level: "warn", fields: { code: "CAMERA_UNREACHABLE", camera: "gate" } });
});

test("a gateway that is killed leaves no ffmpeg, with a camera that plays and with one that is silent", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { server, url } = await serveCamera(moving);
  const silent = await serveCamera(moving);
  silent.server.faults.isSilent = true;
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const config = join(folder.path, "node.yaml");
  const ringFolder = join(folder.path, "ring");
  writeFileSync(
    config,
    JSON.stringify({
      ...{ node: "killed", timeZone: "UTC", state: join(folder.path, "state"), vision: { ringFolder } },
      bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true },
      cameras: { playing: { url }, silent: { url: silent.url } },
    }),
  );
  const child = spawn(process.execPath, [SHAO, "gateway", "--config", config], { stdio: "ignore" });
  onTestFinished(() => stopped(child));
  await vi.waitFor(() => expect([server.playing, silent.server.connections]).toEqual([1, 1]), SOON);
  const pids = await vi.waitFor(() => {
    const found = childrenOf(child.pid, "ffmpeg");
    expect(found).toHaveLength(2);
    return found;
  }, SOON);
  child.kill("SIGKILL");
  await once(child, "exit");
  await vi.waitFor(() => expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), SOON);
});

test("a ring whose disk is full is said, costs no picture, and goes on once there is room", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const disk = smallDisk(context, 4);
  const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 25 }, "640x360", 2));
  const { camera, said } = watchCamera({ url }, { ringDirectory: join(disk.directory, "ring") });
  await vi.waitFor(() => expect(camera.ring.sizeBytes).toBeGreaterThan(0), SOON);
  disk.fill();
  await vi.waitFor(
    () =>
      expect(said.at(-1)).toMatchObject({
        state: "online",
        code: "CAMERA_RING",
        message: expect.stringContaining("ENOSPC"),
      }),
    SOON,
  );
  const { pictures } = camera.facts;
  await vi.waitFor(() => expect(camera.facts.pictures).toBeGreaterThan(pictures + 20), SOON);
  expect(camera.facts.ringLost).toBeGreaterThan(0);
  disk.free();
  await vi.waitFor(() => expect(said.at(-1)).not.toHaveProperty("code"), SOON);
  const [cut] = await vi.waitFor(async () => {
    const cuts = await camera.ring.cut(systemClock().upMs(), Number.MAX_SAFE_INTEGER);
    if (cuts.length === 0) throw new Error("nothing is kept yet");
    return cuts;
  }, SOON);
  expect(
    spawnSync("ffmpeg", ["-v", "error", "-i", cut?.path ?? "", "-f", "null", "-"], { encoding: "utf8" }).status,
  ).toBe(0);
});

test("a ring whose disk hangs is said, costs no picture and no memory, and keeps no stretch with a hole", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const disk = freezableDisk(context);
  onTestFinished(disk.remove);
  const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 25 }, "640x360", 2));
  const ringDirectory = join(disk.directory, "ring");
  const { camera, said } = watchCamera({ url, ringMaxBytes: 2_000_000 }, { ringDirectory });
  onTestFinished(disk.thaw);
  await vi.waitFor(() => expect(camera.ring.sizeBytes).toBeGreaterThan(0), SOON);
  const before = process.memoryUsage.rss();
  disk.freeze();
  const slow = { state: "online", code: "CAMERA_RING", message: expect.stringContaining("disk too slow") };
  await vi.waitFor(() => expect(said.at(-1)).toMatchObject(slow), SOON);
  const { pictures, ringLost } = camera.facts;
  await vi.waitFor(() => {
    expect(camera.facts.pictures).toBeGreaterThan(pictures + 50);
    expect(camera.facts.ringLost).toBeGreaterThan(ringLost);
  }, SOON);
  expect(process.memoryUsage.rss() - before).toBeLessThan(60e6);
  disk.thaw();
  await vi.waitFor(() => expect(said.at(-1)).not.toHaveProperty("code"), SOON);
  const cuts = await vi.waitFor(async () => {
    const found = await camera.ring.cut(0, Number.MAX_SAFE_INTEGER);
    expect(found.length).toBeGreaterThan(1);
    return found;
  }, SOON);
  for (const { path, fromUpMs, toUpMs } of cuts) {
    const words = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path];
    const { stdout, stderr } = spawnSync("ffprobe", words, { encoding: "utf8" });
    expect(stderr).toBe("");
    // A fragment that is missing is twelve pictures; its times are not that wrong.
    expect(Math.abs(Number.parseInt(stdout, 10) - (toUpMs - fromUpMs) / 40)).toBeLessThan(6);
  }
});

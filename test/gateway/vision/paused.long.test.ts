import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../../gateway/system-clock.ts";
import { serveGstreamer, watchCamera } from "../../fakes/camera-rig.ts";
import { childrenOf, descriptors, residentBytes } from "../../fakes/process-facts.ts";
import { freePort, hasRig, needRigs, scratchFolder, stopped } from "../../fakes/rigs.ts";

const SOON = { timeout: 120_000, interval: 50 };
const LIMITS = { firstBytesMs: 30_000, silenceMs: 8000, behindMs: 6000, patienceMs: 300 };
const SHAO = new URL("../../../cli/shao.js", import.meta.url).pathname;
const USER = "viewer";
const PASSWORD = "p@ss:w'ord/ü";
const LEVELS = 220;
const STEP_MS = 100;

const folder = scratchFolder();
const numbered = join(folder.path, "numbered.mp4");
const moving = join(folder.path, "moving.mp4");
const launch = (path: string): string =>
  `filesrc location=${path} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96`;

beforeAll(() => {
  if (!hasRig("ffmpeg")) return;
  process.env["TEST_CAMERA_PASSWORD"] = PASSWORD;
  const encode = (input: string, path: string, ...more: readonly string[]): void => {
    const coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10", "-bf", "0"];
    spawnSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", input, ...coding, ...more, path]);
  };
  // Each picture is one grey, and the grey is its number.
  encode(`nullsrc=size=64x64:rate=10:duration=180,geq=lum='16+mod(N\\,${LEVELS})':cb=128:cr=128`, numbered, "-qp", "8");
  encode("testsrc2=size=320x180:rate=10:duration=240", moving);
});
afterAll(() => folder.remove());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("what waited while its ffmpeg was paused keeps the time of its taking, and what is too old is not shown at all", {
  timeout: 600_000,
}, async (context) => {
  needRigs(context, "ffmpeg", "gst-rtsp-server");
  const { url } = await serveGstreamer(launch(numbered), USER, PASSWORD);
  const clock = systemClock();
  const account = { user: USER, passwordEnv: "TEST_CAMERA_PASSWORD" };
  const { camera, said } = watchCamera({ url, account, coveredAfterS: 86_400 }, { limits: LIMITS, clock });
  const seen: { readonly grey: number; readonly upMs: number; readonly heardMs: number }[] = [];
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const looking = async (): Promise<void> => {
    for (;;) {
      const { rgb, upMs } = await camera.frames.next(end.signal);
      seen.push({ grey: Math.round(((rgb[(rgb.length / 6) * 3] ?? 0) * 219) / 255), upMs, heardMs: clock.upMs() });
    }
  };
  looking().catch(() => {});
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(40), SOON);
  const [first = 0, ...others] = childrenOf(process.pid, "ffmpeg");
  expect(others).toEqual([]);
  const before = { rssBytes: process.memoryUsage.rss(), descriptors: descriptors() };

  process.kill(first, "SIGSTOP");
  await pause(2500);
  process.kill(first, "SIGCONT");
  const freshOnes = () => seen.filter(({ heardMs, upMs }) => heardMs - upMs < 500).length;
  const known = freshOnes();
  await vi.waitFor(() => expect(freshOnes()).toBeGreaterThan(known + 20), SOON);
  // When each was taken, by its number and the least delay of any: 22 s later numbers come round again.
  const zeroMs = Math.min(...seen.map(({ grey, heardMs }, n) => heardMs - STEP_MS * numberAt(grey, n)));
  const lateAndWrongMs = seen.flatMap(({ grey, upMs, heardMs }, n) => {
    const takenMs = zeroMs + STEP_MS * numberAt(grey, n);
    return heardMs - takenMs < 1500 ? [] : [Math.abs(upMs - takenMs)];
  });
  expect(lateAndWrongMs.length).toBeGreaterThan(0);
  expect(Math.max(...lateAndWrongMs)).toBeLessThan(1000);
  expect([camera.state, camera.facts.captures]).toEqual(["live", 1]);

  // Older than is of any use: it is taken anew, and nothing of it is shown.
  process.kill(first, "SIGSTOP");
  await pause(7000);
  process.kill(first, "SIGCONT");
  await vi.waitFor(() => expect(camera.facts.captures).toBe(2), SOON);
  expect(said.find(({ code }) => code === "CAMERA_BEHIND")).toMatchObject({ state: "silent" });
  await vi.waitFor(() => expect([camera.state, said.at(-1)?.state]).toEqual(["live", "online"]), SOON);
  expect(Math.max(...seen.map(({ heardMs, upMs }) => heardMs - upMs))).toBeLessThan(LIMITS.behindMs + 500);

  // For ever: nothing but SIGKILL ends a process that is paused.
  const [second = 0] = childrenOf(process.pid, "ffmpeg");
  process.kill(second, "SIGSTOP");
  await vi.waitFor(() => expect(camera.state).toBe("stalled"), SOON);
  expect(said.at(-1)).toMatchObject({ state: "silent", code: "CAMERA_SILENT" });
  await vi.waitFor(() => expect([camera.state, camera.facts.captures]).toEqual(["live", 3]), SOON);
  expect([existsSync(`/proc/${first}`), existsSync(`/proc/${second}`)]).toEqual([false, false]);
  expect(childrenOf(process.pid, "ffmpeg")).toHaveLength(1);
  expect(descriptors()).toBeLessThanOrEqual(before.descriptors + 3);
  expect(process.memoryUsage.rss() - before.rssBytes).toBeLessThan(60e6);
});

/** The number of a grey that lies nearest to where one is expected. */
function numberAt(grey: number, near: number): number {
  return grey + LEVELS * Math.round((near - grey) / LEVELS);
}

test("a gateway that is paused, and a detector that is, go on with pictures of now and count what they missed", {
  timeout: 900_000,
}, async (context) => {
  needRigs(context, "ffmpeg", "gst-rtsp-server");
  const { url } = await serveGstreamer(launch(moving), USER, PASSWORD);
  const state = scratchFolder();
  onTestFinished(() => state.remove());
  const port = await freePort();
  const config = join(state.path, "node.yaml");
  const judge = { heartbeatS: 1, deadlineMs: 10_000 };
  writeFileSync(
    config,
    JSON.stringify({
      ...{ node: "paused", timeZone: "UTC", state: join(state.path, "state"), health: { host: "127.0.0.1", port } },
      vision: { ringFolder: join(state.path, "ring"), judge },
      bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true },
      cameras: { gate: { url, user: USER, passwordEnv: "TEST_CAMERA_PASSWORD" } },
      rules: { trucks: { kind: "violation", cameras: ["gate"], classes: ["truck"] } },
    }),
  );
  const gateway = spawn(process.execPath, [SHAO, "gateway", "--config", config], { stdio: "ignore" });
  onTestFinished(() => stopped(gateway));
  const pid = gateway.pid ?? 0;
  const numbers = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const of = (name: string): number => Number(new RegExp(`^shao_gateway_${name}\\S* (.*)$`, "m").exec(text)?.[1]);
    return {
      ...{ isLive: of("camera_live"), captures: of("camera_captures_total"), pictures: of("camera_pictures_total") },
      ...{ skipped: of("camera_skipped_total"), judged: of("judge_judged_total"), failed: of("judge_failed_total") },
      ...{ starts: of("inference_starts_total"), isReady: of("inference_ready") },
    };
  };
  /** Judges again, pictures that come now. */
  const goesOn = async () => {
    const { judged, pictures } = await vi.waitFor(numbers, SOON);
    return vi.waitFor(async () => {
      const now = await numbers();
      expect([now.isLive, now.isReady]).toEqual([1, 1]);
      expect(Math.min(now.judged - judged, (now.pictures - pictures) / 10)).toBeGreaterThan(2);
      return now;
    }, SOON);
  };
  const children = () => [childrenOf(pid, "image2pipe").length, childrenOf(pid, "inference/child").length];
  await vi.waitFor(numbers, { ...SOON, timeout: 150_000 });
  // The first picture may come before the model is loaded.
  const before = await goesOn();
  const { failed } = before;
  const [detector = 0] = childrenOf(pid, "inference/child");
  const resources = { rssBytes: residentBytes(pid), descriptors: descriptors(pid) };
  expect([before.captures, before.starts, ...children()]).toEqual([1, 1, 1, 1]);

  gateway.kill("SIGSTOP");
  await pause(3000);
  gateway.kill("SIGCONT");
  expect(await goesOn()).toMatchObject({ captures: 1, starts: 1, failed });
  // Longer than a camera may be silent: what waited is not judged, the camera is taken anew.
  gateway.kill("SIGSTOP");
  await pause(12_000);
  gateway.kill("SIGCONT");
  await vi.waitFor(async () => expect((await numbers()).captures).toBe(2), SOON);
  const { skipped, ...resumed } = await goesOn();
  expect(children()).toEqual([1, 1]);
  // The detector is not blamed for what the gateway slept through.
  expect(resumed).toMatchObject({ starts: 1, failed });

  process.kill(detector, "SIGSTOP");
  await pause(3000);
  process.kill(detector, "SIGCONT");
  const late = await goesOn();
  expect(late).toMatchObject({ starts: 1, failed });
  expect(late.skipped).toBeGreaterThan(skipped + 3);
  // Past its deadline it is ended, and its picture counts as failed.
  process.kill(detector, "SIGSTOP");
  await vi.waitFor(async () => expect(await numbers()).toMatchObject({ starts: 2, failed: failed + 1 }), SOON);
  expect(existsSync(`/proc/${detector}`)).toBe(false);
  const again = await goesOn();
  expect(again).toMatchObject({ starts: 2, failed: failed + 1 });
  expect(again.skipped).toBeGreaterThan(late.skipped + 20);
  // Killed with a picture under judgement.
  const [second = 0] = childrenOf(pid, "inference/child");
  process.kill(second, "SIGSTOP");
  await pause(2500);
  process.kill(second, "SIGKILL");
  await vi.waitFor(async () => expect(await numbers()).toMatchObject({ starts: 3, failed: failed + 2 }), SOON);
  expect(await goesOn()).toMatchObject({ starts: 3, failed: failed + 2, captures: 2 });
  expect(children()).toEqual([1, 1]);
  expect(descriptors(pid)).toBeLessThanOrEqual(resources.descriptors + 3);
  expect(residentBytes(pid) - resources.rssBytes).toBeLessThan(60e6);
});

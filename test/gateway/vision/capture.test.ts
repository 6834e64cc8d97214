import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test, vi } from "vitest";
import type { Recording } from "../../../cli/sim/camera/recording.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import type { DeviceBody } from "../../../protocol/bodies.ts";
import { movingPictures, serveCamera, watchCamera } from "../../fakes/camera-rig.ts";
import { hasRig, needRigs } from "../../fakes/rigs.ts";

const SOON = { timeout: 25_000, interval: 20 };
const LIMITS = { firstBytesMs: 20_000, silenceMs: 1000, behindMs: 10_000, patienceMs: 300 };
const USER = "viewer";
const PASSWORD = "p@ss:w'ord/ü";

let moving: Recording;
let other: Recording;

beforeAll(async () => {
  if (!hasRig("ffmpeg")) return;
  moving = await movingPictures({ codec: "h264", fps: 10 });
  other = await movingPictures({ codec: "h264", fps: 10 }, "240x180", 1);
  process.env["TEST_CAMERA_PASSWORD"] = PASSWORD;
});

const account = { user: USER, passwordEnv: "TEST_CAMERA_PASSWORD" };

/** Command lines of all ffmpeg that run, as any user of the box sees them. */
function commandLines(): readonly { readonly pid: string; readonly line: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid, line: readFileSync(`/proc/${pid}/cmdline`, "utf8") }];
      } catch {
        return [];
      }
    })
    .filter(({ line }) => line.startsWith("ffmpeg"));
}

/** Children of this process that are still there, dead or alive. */
function children(): readonly string[] {
  return spawnSync("ps", ["-o", "stat=,args=", "--ppid", String(process.pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.includes("ffmpeg"));
}

test("a camera with an account gives pictures and a ring over one connection, and its password shows nowhere", async (context) => {
  needRigs(context, "ffmpeg");
  const { server, url } = await serveCamera(moving, { account: { user: USER, password: PASSWORD }, hasSound: true });
  const { camera, log, said, ringDirectory, stop } = watchCamera({ url, account }, { limits: LIMITS });
  const frame = await camera.frames.next(AbortSignal.timeout(SOON.timeout));
  expect({ ...frame, rgb: frame.rgb.length, atMs: 0, upMs: 0 }).toEqual({
    cameraId: "gate",
    ...{ atMs: 0, upMs: 0, width: 160, height: 90, rgb: 160 * 90 * 3 },
  });
  // The first whole picture is timed by ffmpeg's guess; from the second on the camera's clock holds.
  const fromUpMs = frame.upMs + 1100;
  const cut = await vi.waitFor(async () => {
    const [found] = await camera.ring.cut(fromUpMs, fromUpMs + 500);
    if (found === undefined || found.toUpMs < fromUpMs + 500) throw new Error("not in the ring yet");
    return found;
  }, SOON);
  expect(cut.fromUpMs).toBeLessThanOrEqual(fromUpMs);
  const probed = spawnSync(
    "ffprobe",
    [
      "-v",
      "error",
      "-count_frames",
      "-show_entries",
      "stream=codec_name,width,nb_read_frames",
      "-of",
      "json",
      cut.path,
    ],
    { encoding: "utf8" },
  );
  const [stream, ...more] = JSON.parse(probed.stdout).streams;
  expect(more).toEqual([]);
  expect(stream).toMatchObject({ codec_name: "h264", width: 320 });
  // The pictures that were cut are those of its time, at ten a second.
  expect(Number(stream.nb_read_frames)).toBe(Math.round((cut.toUpMs - cut.fromUpMs) / 100));
  expect([server.playing, server.connections]).toEqual([1, 1]);
  expect(said.map(({ state }) => state)).toEqual(["online"]);
  // Nobody asked for pictures meanwhile: they were dropped and counted, and none waits.
  expect(camera.facts).toMatchObject({ state: "live", codec: "h264", widthPx: 320, heightPx: 180, captures: 1 });
  expect(camera.facts.skipped).toBeGreaterThan(3);
  const seen = JSON.stringify([commandLines(), log.lines, said, camera.facts]);
  for (const secret of ["p@ss", encodeURIComponent("p@ss"), "ord/", `${USER}:`]) expect(seen).not.toContain(secret);
  await stop();
  expect(children()).toEqual([]);
  expect(existsSync(ringDirectory)).toBe(false);
});

test("where all stood still for longer than silence lasts, nobody is called silent before there was time to speak", async (context) => {
  needRigs(context, "ffmpeg");
  const { url } = await serveCamera(moving);
  const { camera, said } = watchCamera({ url }, { limits: LIMITS });
  await vi.waitFor(() => expect(camera.state).toBe("live"), SOON);
  for (let pause = 0; pause < 2; pause++) {
    // The camera is served by this process too, so that it stands still as well: the silence is nobody's.
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LIMITS.silenceMs + 300);
        resolve();
      }, 50);
    });
    const seen = camera.facts.pictures;
    await vi.waitFor(() => expect(camera.facts.pictures).toBeGreaterThan(seen + 3), SOON);
  }
  expect([camera.facts.captures, said.map(({ code }) => code).filter(Boolean)]).toEqual([1, []]);
});

test("what goes wrong with a camera is named, ended and tried again, and nothing is left of it", async (context) => {
  needRigs(context, "ffmpeg");
  const { server, feed, url } = await serveCamera(moving, { account: { user: USER, password: PASSWORD } });
  server.faults.refusals = 1;
  const clock = systemClock();
  // Back-off at a twentieth of its time.
  const hasty = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / 20, signal) };
  const { camera, said } = watchCamera({ url, account }, { limits: LIMITS, clock: hasty });
  const isLive = () => vi.waitFor(() => expect(camera.state).toBe("live"), SOON);
  const isLost = (expected: Partial<DeviceBody>) => vi.waitFor(() => expect(said.at(-1)).toMatchObject(expected), SOON);
  // Refused once with the right account, as cameras do that have just started.
  await isLost({ state: "offline", code: "CAMERA_AUTH", hint: expect.stringContaining("password") });
  await isLive();
  // It goes on with lost packets: pictures break, the capture does not.
  const before = camera.facts.pictures;
  server.faults.lostShare = 0.05;
  await vi.waitFor(() => expect(camera.facts.pictures).toBeGreaterThan(before + 10), SOON);
  server.faults.lostShare = 0;
  expect(camera.facts.captures).toBe(2);
  // Another size in mid-stream: what is in the ring fits its header.
  feed.play(other);
  await vi.waitFor(() => expect([camera.state, camera.header?.widthPx]).toEqual(["live", 240]), SOON);
  const isSilentTo = server.connections;
  server.faults.isSilent = true;
  await isLost({ state: "silent", code: "CAMERA_SILENT", message: "no bytes for 1 s" });
  server.faults.isSilent = false;
  server.faults.slowSetupMs = 200;
  await isLive();
  expect(server.connections).toBeGreaterThan(isSilentTo);
  server.drop("fin");
  await isLost({ state: "offline", code: "CAMERA_ENDED" });
  await isLive();
  expect(children()).toHaveLength(1);
});

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test, vi } from "vitest";
import { serveGstreamer } from "../fakes/camera-rig.ts";
import { needRigs, stopped } from "../fakes/rigs.ts";
import { runShao } from "../fakes/run-shao.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const PASSWORD = "for the test";
process.env["TEST_PROBE_PASSWORD"] = PASSWORD;

/** Two seconds whose pictures all differ, looped where the server would end. */
function film(loops: number): string {
  const folder = temporaryDirectory();
  const [once, path] = [join(folder, "once.mp4"), join(folder, "film.mp4")];
  const source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=2"];
  spawnSync("ffmpeg", [
    "-v",
    "error",
    ...source,
    "-c:v",
    "libx264",
    "-bf",
    "0",
    "-g",
    "10",
    "-pix_fmt",
    "yuv420p",
    once,
  ]);
  spawnSync("ffmpeg", ["-v", "error", "-stream_loop", String(loops), "-i", once, "-c", "copy", path]);
  return path;
}

/** `shao sim camera`, as a user starts it. */
async function simulated(...args: readonly string[]): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(process.execPath, ["cli/shao.js", "sim", "camera", ...args], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => stopped(child));
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, url: (JSON.parse(line) as { listening: { url: string } }).listening.url };
  }
  throw new Error("it ended without a word");
}

function hashes(input: readonly string[], count: number): readonly string[] {
  const args = ["-v", "error", ...input, "-map", "0:v:0", "-frames:v", String(count), "-f", "framemd5", "-"];
  const { stdout } = spawnSync("ffmpeg", args, { encoding: "utf8", timeout: 40_000 });
  return [...stdout.matchAll(/^0,.*, ([0-9a-f]{32})$/gm)].map(([, hash = ""]) => hash);
}

test("our simulated camera and GStreamer's server give the very pictures of the file, in their order", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg", "gst-rtsp-server");
  const path = film(20);
  const own = hashes(["-i", path], 20);
  expect(new Set(own).size).toBe(20);
  const ours = await simulated("--file", path, "--fps", "10", "--user", "viewer", "--password", PASSWORD);
  const launch = `filesrc location=${path} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96`;
  const theirs = await serveGstreamer(launch, "viewer", PASSWORD);
  for (const { url } of [ours, theirs]) {
    const account = url.replace("rtsp://", `rtsp://viewer:${encodeURIComponent(PASSWORD)}@`);
    const seen = hashes(["-rtsp_transport", "tcp", "-i", account], 30);
    expect(seen.length).toBeGreaterThanOrEqual(30);
    const first = own.indexOf(seen[0] ?? "");
    expect(seen).toEqual(seen.map((_, index) => own[(first + index) % own.length]));
  }
});

test("shao probe says what a camera sends and writes its picture; a wrong account is said with a hint, and exit 1", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { child, url } = await simulated("--file", film(0), "--fps", "10", "--user", "viewer", "--password", PASSWORD);
  const folder = temporaryDirectory();
  const config = join(folder, "node.yaml");
  const write = (passwordEnv: string): void =>
    writeFileSync(
      config,
      `node: site-gate
site: { name: Gate, timeZone: Asia/Shanghai }
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${JSON.stringify(join(folder, "state"))}
cameras: { gate: { url: "${url}", user: viewer, passwordEnv: ${passwordEnv} } }
`,
    );
  write("TEST_PROBE_PASSWORD");
  const good = await runShao("probe", config, "gate", "--pictures", folder);
  expect(good.lines).toMatchObject([
    { camera: "gate", ok: true, codec: "h264", widthPx: 320, heightPx: 180, picture: join(folder, "gate.jpg") },
  ]);
  const [{ fps = 0, kilobitsPerS = 0 }] = good.lines as [{ fps?: number; kilobitsPerS?: number }];
  expect(fps).toBeGreaterThan(8);
  expect(fps).toBeLessThan(12);
  expect(kilobitsPerS).toBeGreaterThan(10);
  expect(good.code).toBe(0);
  expect([...readFileSync(join(folder, "gate.jpg")).subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);

  process.env["TEST_WRONG_PASSWORD"] = "another";
  write("TEST_WRONG_PASSWORD");
  const refused = await runShao("probe", config, "gate", "--pictures", folder);
  expect(refused.lines).toMatchObject([{ camera: "gate", ok: false, code: "CAMERA_AUTH", hint: expect.any(String) }]);
  expect(refused.code).toBe(1);
  expect(JSON.stringify(refused)).not.toContain("another");

  // A line on its stdin changes what it does: silent, it is said to be so.
  child.stdin?.write("silence on\n");
  write("TEST_PROBE_PASSWORD");
  const silent = await runShao("probe", config, "gate", "--pictures", folder);
  expect(silent.lines).toMatchObject([{ ok: false }]);
});

test("the simulated gate shows the truck that it is told of", { timeout: 120_000 }, async (context) => {
  needRigs(context, "ffmpeg");
  const { child, url } = await simulated("--seed", "7", "--night");
  const folder = temporaryDirectory();
  const look = (name: string): string => {
    const path = join(folder, `${name}.png`);
    spawnSync("ffmpeg", ["-v", "error", "-rtsp_transport", "tcp", "-i", url, "-frames:v", "1", "-y", path]);
    return path;
  };
  const labelsOf = async (path: string): Promise<readonly string[]> => {
    const { lines } = await runShao("detect", "--model", "models/site-watch", path);
    return (lines as { detections: { label: string }[] }[]).flatMap(({ detections }) =>
      detections.map(({ label }) => label),
    );
  };
  expect((await labelsOf(look("empty"))).filter((label) => label.startsWith("truck"))).toEqual([]);
  child.stdin?.write("truck bare\n");
  await vi.waitFor(async () => expect(await labelsOf(look("truck"))).toContain("truck/uncovered"), {
    timeout: 60_000,
    interval: 1000,
  });
});

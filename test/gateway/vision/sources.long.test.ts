import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { serveGstreamer, watchCamera } from "../../fakes/camera-rig.ts";
import { needRigs, scratchFolder } from "../../fakes/rigs.ts";

const SOON = { timeout: 25_000, interval: 20 };
const USER = "viewer";
const PASSWORD = "p@ss:w'ord/ü";
process.env["TEST_CAMERA_PASSWORD"] = PASSWORD;
const account = { user: USER, passwordEnv: "TEST_CAMERA_PASSWORD" };

test("GStreamer's server is understood as well: H.265 with G.711 sound that is made AAC, and Digest", async (context) => {
  needRigs(context, "ffmpeg", "gst-rtsp-server");
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const path = `${folder.path}/h265.mp4`;
  const encoder = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:keyint=10:log-level=error"];
  const lavfi = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=20"];
  spawnSync("ffmpeg", ["-v", "error", ...lavfi, ...encoder, path]);
  const video = `filesrc location=${path} ! qtdemux ! h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96`;
  const sound = "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0";
  const { url } = await serveGstreamer(`${video} ${sound}`, USER, PASSWORD);
  const { camera } = watchCamera({ url, account, sound: "transcode" });
  await vi.waitFor(() => expect(camera.ring.sizeBytes).toBeGreaterThan(40_000), SOON);
  expect(camera.header).toMatchObject({ codec: "h265", widthPx: 320, hasSound: true });
  const [cut] = await camera.ring.cut(0, Number.MAX_SAFE_INTEGER);
  const decoded = spawnSync("ffmpeg", ["-v", "error", "-i", cut?.path ?? "", "-f", "null", "-"], { encoding: "utf8" });
  expect([decoded.status, decoded.stderr]).toEqual([0, ""]);
});

test("motion JPEG over HTTP and a file are cameras too; what a browser cannot show is coded anew", async (context) => {
  needRigs(context, "ffmpeg");
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const path = `${folder.path}/moving.mp4`;
  const pictures = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=2"];
  spawnSync("ffmpeg", ["-v", "error", ...pictures, "-c:v", "libx264", "-bf", "0", path]);
  const file = watchCamera({ id: "file", url: path });
  const jpeg = spawnSync("ffmpeg", [
    "-v",
    "error",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=320x180:duration=1",
    "-frames:v",
    "1",
    "-f",
    "mjpeg",
    "-",
  ]).stdout;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "multipart/x-mixed-replace; boundary=pic" });
    const timer = setInterval(() => {
      response.write(`--pic\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      response.write("\r\n");
    }, 100);
    response.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const http = watchCamera({ id: "http", url: `http://127.0.0.1:${port}/video`, frozenAfterS: 1 });
  for (const { camera } of [file, http])
    await vi.waitFor(() => expect(camera.ring.sizeBytes).toBeGreaterThan(5000), SOON);
  expect(file.camera).toMatchObject({ isTranscoded: false, header: { codec: "h264", widthPx: 320 } });
  expect(http.camera).toMatchObject({ isTranscoded: true, header: { codec: "h264", widthPx: 320 } });
  // The same picture again and again.
  await vi.waitFor(() => expect(http.said.at(-1)).toMatchObject({ state: "online", code: "CAMERA_FROZEN" }), SOON);
  // Ten pictures a second out of two seconds of them: it was wound back, by the one ffmpeg.
  await vi.waitFor(() => expect(file.camera.facts.pictures).toBeGreaterThan(45), SOON);
  expect(file.camera.facts.captures).toBe(1);
  expect(file.said.at(-1)).toEqual({ state: "online", sinceMs: expect.any(Number) });
});

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { CameraSettings } from "../../../../gateway/contracts/cameras.ts";
import { captureCommand } from "../../../../gateway/vision/capture/capture-command.ts";
import { probeFfmpeg } from "../../../../gateway/vision/capture/ffmpeg.ts";
import { PictureReader } from "../../../../gateway/vision/capture/picture-reader.ts";
import { CAMERA } from "../../../fakes/camera-rig.ts";
import { needRigs, scratchFolder } from "../../../fakes/rigs.ts";

type Decode = CameraSettings["analysis"]["decode"];

/** The first pictures that are judged, as the capture's own command line gives them. */
async function firstPictures(file: string, decode: Decode, count: number): Promise<readonly Uint8Array[]> {
  const url = `file:${file}`;
  const analysis = { ...CAMERA.analysis, decode };
  const { args } = captureCommand({ ...CAMERA, url, analysis }, url, await probeFfmpeg());
  const child = spawn("ffmpeg", args, { stdio: ["ignore", "pipe", "inherit", "ignore", "pipe", "pipe"] });
  for (const drained of [4, 5]) (child.stdio[drained] as Readable).resume();
  const pictures: Uint8Array[] = [];
  const reader = new PictureReader({
    buffer: (bytes) => new Uint8Array(bytes),
    picture: (_width, _height, rgb) => void pictures.push(rgb),
  });
  for await (const chunk of child.stdout as Readable) {
    reader.push(chunk as Uint8Array);
    if (pictures.length >= count) break;
  }
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return pictures.slice(0, count);
}

/** Mean difference of two pictures, in steps of 255. */
const apart = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;

test("all pictures but smoothed, all smoothed as the standard says, or the whole ones alone", async (context) => {
  needRigs(context, "ffmpeg");
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const file = join(folder.path, "gate.mp4");
  const source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"];
  const coded = ["-c:v", "libx264", "-g", "10", "-keyint_min", "10", "-sc_threshold", "0", "-bf", "0", "-b:v", "100k"];
  execFileSync("ffmpeg", ["-v", "error", ...source, ...coded, "-pix_fmt", "yuv420p", file]);
  const raw = ["-vf", "scale=160:-2:flags=fast_bilinear", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"];
  const told = execFileSync("ffmpeg", ["-v", "error", "-i", file, ...raw], { maxBuffer: 2 ** 24 });
  const size = 160 * 90 * 3;
  const asTold = (index: number) => told.subarray(index * size, (index + 1) * size);

  const exact = await firstPictures(file, "exact", 6);
  expect(exact.map((rgb, index) => apart(rgb, asTold(index)))).toEqual([0, 0, 0, 0, 0, 0]);
  const rough = (await firstPictures(file, "all", 6)).map((rgb, index) => apart(rgb, asTold(index)));
  expect(Math.min(...rough)).toBeGreaterThan(0);
  expect(Math.max(...rough)).toBeLessThan(6);
  const whole = await firstPictures(file, "keyframes", 3);
  expect(whole.map((rgb, index) => apart(rgb, asTold(10 * index)))).toEqual([0, 0, 0]);
});

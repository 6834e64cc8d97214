import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { LiveMessage } from "../../../protocol/live-video.ts";
import { movingPictures, serveCamera, watchCamera } from "../../fakes/camera-rig.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { needRigs } from "../../fakes/rigs.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";
import { codingChildren, liveOf } from "./live-rig.ts";

const SOON = { timeout: 60_000, interval: 20 };

test("for the bridge H.265 is made small H.264 by one process, which is gone with the last who looks", async (context) => {
  needRigs(context, "ffmpeg");
  const { server, url } = await serveCamera(await movingPictures({ codec: "h265", fps: 10 }));
  const { camera } = watchCamera({ url });
  await vi.waitFor(() => expect([camera.state, camera.header?.codec]).toEqual(["live", "h265"]), SOON);
  const view = liveOf([camera]);
  const heard: LiveMessage[] = [];
  const leave = view.watchH264("gate", (message) => heard.push(message));
  const fragments = () => heard.filter(({ kind }) => kind === "fragment");
  await vi.waitFor(() => expect(fragments().length).toBeGreaterThan(5), SOON);
  // Who comes later has the same header, and no process of their own.
  const late: LiveMessage[] = [];
  const leaveToo = view.watchH264("gate", (message) => late.push(message));
  const [header, first] = heard;
  expect([header?.kind, first?.kind, first?.isKey]).toEqual(["header", "fragment", true]);
  expect(late).toMatchObject([{ kind: "header" }]);
  expect([view.viewers("gate"), server.connections, codingChildren("libx264").length]).toEqual([2, 1, 1]);
  const body = Buffer.from(header?.body ?? []);
  const codecs = body.subarray(1, 1 + (body[0] ?? 0)).toString();
  expect(codecs).toMatch(/^avc1\.42/);
  const path = join(temporaryDirectory(), "live.mp4");
  writeFileSync(path, Buffer.concat([body.subarray(1 + codecs.length), ...fragments().map((one) => one.body)]));
  const entries = "stream=codec_name,width,height,nb_read_frames:format=duration";
  const words = ["-v", "error", "-count_frames", "-show_entries", entries, "-of", "json", path];
  const { stdout, stderr } = spawnSync("ffprobe", words, { encoding: "utf8" });
  const { streams, format } = JSON.parse(stdout) as {
    readonly streams: readonly { readonly nb_read_frames: string }[];
    readonly format: { readonly duration: string };
  };
  expect([stderr, streams]).toMatchObject(["", [{ codec_name: "h264", width: 160, height: 90 }]]);
  // Five a second of the camera's ten.
  expect(Number(streams[0]?.nb_read_frames) / Number(format.duration)).toBeCloseTo(5, 0);
  leave?.();
  expect(codingChildren("libx264")).toHaveLength(1);
  leaveToo?.();
  await vi.waitFor(() => expect(codingChildren("libx264")).toEqual([]), SOON);
  expect(view.viewers("gate")).toBe(0);
});

test("an ffmpeg without H.264 is said with what helps, and one whose process is killed goes on", async (context) => {
  needRigs(context, "ffmpeg");
  const { url } = await serveCamera(await movingPictures({ codec: "h265", fps: 10 }));
  const { camera } = watchCamera({ url });
  await vi.waitFor(() => expect([camera.state, camera.header?.codec]).toEqual(["live", "h265"]), SOON);
  const poor = join(temporaryDirectory(), "ffmpeg");
  const unknown = "Codec 'libx264' is not recognized by FFmpeg.";
  writeFileSync(poor, `#!/bin/sh\ncase "$*" in *encoder=*) echo "${unknown}";; *) exec ffmpeg "$@";; esac\n`, {
    mode: 0o755,
  });
  const log = new QuietLog();
  const without = liveOf([camera], poor, log);
  const heard: LiveMessage[] = [];
  const late: LiveMessage[] = [];
  onTestFinished(without.watchH264("gate", (message) => heard.push(message)) ?? (() => {}));
  await vi.waitFor(() => expect(heard).toHaveLength(1), SOON);
  onTestFinished(without.watchH264("gate", (message) => late.push(message)) ?? (() => {}));
  for (const messages of [heard, late]) {
    expect(messages.map(({ kind, body }) => [kind, Buffer.from(body).toString()])).toEqual([
      ["none", '{"code":"LIVE_ENCODER"}'],
    ]);
  }
  expect(log.lines.at(-1)).toMatchObject({
    fields: { code: "LIVE_ENCODER", hint: expect.stringContaining("libx264") },
  });

  const view = liveOf([camera], "ffmpeg", log);
  const seen: LiveMessage[] = [];
  onTestFinished(view.watchH264("gate", (message) => seen.push(message)) ?? (() => {}));
  const headers = () => seen.filter(({ kind }) => kind === "header").length;
  for (let turn = 1; turn <= 2; turn++) {
    await vi.waitFor(() => expect([headers(), seen.at(-1)?.kind]).toEqual([turn, "fragment"]), SOON);
    const [child = ""] = codingChildren("libx264");
    if (turn === 1) process.kill(Number(/^\s*(\d+)/.exec(child)?.[1]), "SIGKILL");
  }
});

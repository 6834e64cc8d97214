import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CameraSettings } from "../../gateway/contracts/cameras.ts";
import type { Logger } from "../../gateway/contracts/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { Camera } from "../../gateway/vision/capture/camera.ts";
import { probeFfmpeg } from "../../gateway/vision/capture/ffmpeg.ts";
import { MediaJobs } from "../../gateway/vision/evidence/media-jobs.ts";
import type { Answer } from "./answer.ts";

/** So much video says its rate; the first fragment's times are ffmpeg's guess. */
const ENOUGH_MS = 3000;
/** A stream is opened and its first whole picture awaited before anything can be measured. */
const LEAST_MS = 15_000;

export interface ProbeCameraOptions {
  readonly ffmpegPath: string;
  readonly withinMs: number;
  /** Where its picture goes. */
  readonly pictures: string;
  readonly log: Logger;
}

/** Takes a camera's video for some seconds: what it is, how much of it comes, and a picture to look at. */
export async function probeCamera(settings: CameraSettings, options: ProbeCameraOptions): Promise<Answer> {
  const clock = systemClock();
  const scratch = mkdtempSync(join(tmpdir(), "shao-probe-"));
  const end = new AbortController();
  const enough = new AbortController();
  const ffmpeg = probeFfmpeg(options.ffmpegPath);
  ffmpeg.catch(() => {});
  const camera = new Camera({
    ...{ settings, ffmpeg: () => ffmpeg, ringDirectory: join(scratch, "ring"), clock, log: options.log },
    // The first word that is no start: it will not get better within these seconds.
    onHealth: ({ state }) => state !== "online" && state !== "starting" && enough.abort(),
  });
  const heard = { fragments: 0, pictures: 0, bytes: 0, ms: 0, firstMs: 0 };
  camera.onMedia(({ pictures, bytes, fromMs, toMs }) => {
    if (heard.fragments === 0) heard.firstMs = clock.upMs();
    else {
      heard.pictures += pictures;
      heard.bytes += bytes.length;
      heard.ms += toMs - fromMs;
    }
    heard.fragments += 1;
    if (heard.ms >= ENOUGH_MS) enough.abort();
  });
  const running = camera.run(end.signal);
  try {
    await clock.sleep(Math.max(options.withinMs, LEAST_MS), enough.signal);
    const { header } = camera;
    if (header === undefined || heard.ms === 0) {
      const { state, code, message, hint } = camera.health;
      return { ok: false, state, ...(code === undefined ? {} : { code, message, hint }) };
    }
    const picture = await snapshot(camera, options, scratch);
    return {
      ok: true,
      codec: header.codec,
      widthPx: header.widthPx,
      heightPx: header.heightPx,
      fps: Math.round((heard.pictures * 10_000) / heard.ms) / 10,
      kilobitsPerS: Math.round((heard.bytes * 8) / heard.ms),
      ...(camera.isTranscoded ? { isTranscoded: true } : {}),
      hasSound: header.hasSound,
      tookMs: heard.firstMs,
      ...picture,
    };
  } finally {
    end.abort();
    await running;
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function snapshot(
  camera: Camera,
  { ffmpegPath, pictures }: ProbeCameraOptions,
  scratch: string,
): Promise<{ readonly picture?: string; readonly pictureError?: string }> {
  const [cut] = await camera.ring.cut(0, Number.MAX_SAFE_INTEGER);
  if (cut === undefined) return { pictureError: "no whole picture came" };
  try {
    const path = join(scratch, "picture.jpg");
    await new MediaJobs(ffmpegPath).picture(cut.path, 0, path);
    mkdirSync(pictures, { recursive: true });
    const picture = join(pictures, `${camera.settings.id}.jpg`);
    copyFileSync(path, picture);
    return { picture };
  } catch (error) {
    return { pictureError: error instanceof Error ? error.message : String(error) };
  }
}

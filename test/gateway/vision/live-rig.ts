import { spawnSync } from "node:child_process";
import process from "node:process";
import type { Camera } from "../../../gateway/vision/capture/camera.ts";
import { probeFfmpeg } from "../../../gateway/vision/capture/ffmpeg.ts";
import { LiveCameras } from "../../../gateway/vision/live/live-cameras.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

/** Live video of these cameras, coded small where it must be. */
export function liveOf(cameras: readonly Camera[], ffmpegPath = "ffmpeg", log = new QuietLog()): LiveCameras {
  const coding = { widthPx: 160, framesPerS: 5, kbitPerS: 100 };
  const known = probeFfmpeg(ffmpegPath);
  return new LiveCameras({ cameras, ffmpegPath, ffmpeg: () => known, coding, nowMs: () => Date.now(), log });
}

/** Children of this process that code video, dead or alive. */
export function codingChildren(codec: "mpeg1video" | "libx264"): readonly string[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=,stat=,args=", "--ppid", String(process.pid)], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes(codec));
}

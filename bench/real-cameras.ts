import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../cli/sim/free-port.ts";
import { end, start } from "./children.ts";

export const CAMERAS = 4;
const SERVER = fileURLToPath(new URL("./rtsp-cameras.py", import.meta.url));
/** A client that connects gets the file from its start: it must outlast every measurement. */
const LOOPS = 30;
const LOOP_S = 10;

const STREAMS = {
  main: { size: "1280x720", fps: 25, bitrate: "2M", codec: "h264" },
  sub: { size: "640x360", fps: 5, bitrate: "400k", codec: "h264" },
  h265: { size: "1280x720", fps: 25, bitrate: "1M", codec: "h265" },
} as const;

export type StreamKind = keyof typeof STREAMS;

export interface RealCameras extends AsyncDisposable {
  readonly urls: Readonly<Record<StreamKind, readonly string[]>>;
}

const CODERS = {
  h264: ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0"],
  h265: ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:bframes=0"],
} as const;

/** Four cameras with these streams each, from a server that is not ours. @returns undefined without ffmpeg or GStreamer */
export async function startRealCameras(
  kinds: readonly StreamKind[] = ["main", "sub"],
): Promise<RealCameras | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const [port = 0] = await freePorts(1);
  const mounts: string[] = [];
  for (const kind of kinds) {
    const file = film(folder, kind);
    if (file === undefined) return undefined;
    for (let camera = 1; camera <= CAMERAS; camera++) mounts.push(`/${kind}-${camera}=${STREAMS[kind].codec}:${file}`);
  }
  const server = start("/usr/bin/python3", [SERVER, String(port), ...mounts]);
  const isReady = await Promise.race([
    once(server.child.stdout ?? server.child, "data").then(() => true),
    once(server.child, "exit").then(() => false),
  ]);
  if (!isReady) return undefined;
  const urls = (kind: StreamKind) =>
    Array.from({ length: CAMERAS }, (_, index) => `rtsp://127.0.0.1:${port}/${kind}-${index + 1}`);
  return {
    urls: { main: urls("main"), sub: urls("sub"), h265: urls("h265") },
    async [Symbol.asyncDispose]() {
      await end(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Something that always moves: the motion gate saves nothing here. A whole picture a second. */
function film(folder: string, kind: StreamKind): string | undefined {
  const { size, fps, bitrate, codec } = STREAMS[kind];
  const [once, whole] = [join(folder, `${kind}-once.mp4`), join(folder, `${kind}.mp4`)];
  const source = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${fps}:duration=${LOOP_S}`];
  const coded = [...CODERS[codec], "-g", String(fps), "-b:v", bitrate];
  const made = spawnSync("ffmpeg", ["-v", "error", ...source, ...coded, "-pix_fmt", "yuv420p", once]);
  const looped = ["-v", "error", "-stream_loop", String(LOOPS), "-i", once, "-c", "copy", whole];
  return made.status === 0 && spawnSync("ffmpeg", looped).status === 0 ? whole : undefined;
}

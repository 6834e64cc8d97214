import type { CameraSettings } from "../../contracts/cameras.ts";
import { sourceKind } from "./camera-url.ts";
import type { Ffmpeg } from "./ffmpeg.ts";

/** File descriptors of the child beside 0 to 2. */
export const LIST_FD = 3;
export const MEDIA_FD = 4;
export const TIMES_FD = 5;

/** ffmpeg's own limit on a silent socket: longer than ours, so that it only matters when we are gone. */
const SOCKET_LIMIT_US = 12_000_000;
/** Smaller than the shortest time between whole pictures that cameras are set to. */
const FRAGMENT_US = 500_000;
const PROTOCOLS = "pipe,rtsp,rtsps,rtp,tcp,udp,tls,crypto,http,https,httpproxy";

/** Of what is only judged: what is kept is copied, never decoded. See ADR 017. */
const LESS_DECODING: Readonly<Record<CameraSettings["analysis"]["decode"], readonly string[]>> = {
  all: ["-skip_loop_filter", "all"],
  exact: [],
  keyframes: ["-skip_frame", "nokey"],
};

export interface CaptureCommand {
  readonly args: readonly string[];
  /** Goes to LIST_FD; holds the account, which therefore appears in no list of processes. Undefined for files. */
  readonly list: string | undefined;
  /** Motion JPEG is no picture that MP4 in a browser can show: it becomes H.264 on its way. */
  readonly isTranscoded: boolean;
}

/**
 * One ffmpeg for everything: small pictures as PPM on stdout, whose header says their size, with their times on TIMES_FD where
 * it can, and the camera's own video in fragments of MP4 on MEDIA_FD.
 */
export function captureCommand(camera: CameraSettings, secretUrl: string, ffmpeg: Ffmpeg): CaptureCommand {
  const kind = sourceKind(camera.url);
  const isTranscoded = kind === "http";
  const { widthPx, framesPerS, decode } = camera.analysis;
  const gapS = Math.max(0, 1 / framesPerS - 0.01).toFixed(3);
  // The rate is measured anyway; waiting for ffmpeg's guess of it would cost a second of every start.
  const noGuess = kind === "rtsp" ? ["-fpsprobesize", "0"] : [];
  const concat = ["-f", "concat", "-safe", "0", "-auto_convert", "0", "-protocol_whitelist", PROTOCOLS];
  const input =
    kind === "file"
      ? ["-re", "-stream_loop", "-1", "-i", filePath(camera.url)]
      : [...noGuess, ...concat, "-i", `pipe:${LIST_FD}`];
  const small = [
    ...(framesPerS >= 25 ? [] : [`select='isnan(prev_selected_t)+gte(t-prev_selected_t,${gapS})'`]),
    `scale=${widthPx}:-2:flags=fast_bilinear`,
    // It prints times of pictures that have metadata.
    ...(ffmpeg.tellsTimes ? [`metadata=add:key=shao:value=1,metadata=print:direct=1:file=pipe\\\\:${TIMES_FD}`] : []),
  ];
  const sound = camera.sound === "transcode" ? ["-map", "0:a:0?", "-c:a", "aac", "-b:a", "32k", "-ac", "1"] : ["-an"];
  const video = isTranscoded
    ? ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-pix_fmt", "yuv420p", "-g", "25"]
    : ["-c:v", "copy"];
  const args = [
    ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+error", "-threads", "1"],
    ...(isTranscoded ? [] : LESS_DECODING[decode]),
    ...input,
    ...["-map", "0:v:0", "-an", "-filter_threads", "1", "-vf", small.join(","), ...ffmpeg.passThrough],
    ...["-c:v", "ppm", "-pix_fmt", "rgb24", "-threads", "1", "-f", "image2pipe", "-flush_packets", "1", "pipe:1"],
    ...["-map", "0:v:0", ...sound, ...(isTranscoded ? ffmpeg.passThrough : []), ...video, "-threads", "1"],
    ...["-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"],
    ...["-frag_duration", String(FRAGMENT_US), "-flush_packets", "1", `pipe:${MEDIA_FD}`],
  ];
  return { args, list: kind === "file" ? undefined : inputList(secretUrl, kind, camera, ffmpeg), isTranscoded };
}

function inputList(url: string, kind: "rtsp" | "http", camera: CameraSettings, ffmpeg: Ffmpeg): string {
  const options =
    kind === "rtsp"
      ? [
          "rtsp_transport tcp",
          `${ffmpeg.rtspTimeout} ${SOCKET_LIMIT_US}`,
          "fpsprobesize 0",
          ...(camera.sound === "drop" ? ["allowed_media_types video"] : []),
        ]
      : [`rw_timeout ${SOCKET_LIMIT_US}`, "use_wallclock_as_timestamps 1"];
  return ["ffconcat version 1.0", `file '${url}'`, ...options.map((option) => `option ${option}`), ""].join("\n");
}

function filePath(url: string): string {
  return url.startsWith("file:") ? decodeURIComponent(new URL(url).pathname) : url;
}

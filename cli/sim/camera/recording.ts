import { spawn } from "node:child_process";
import { type AccessUnit, accessUnits, nalKind, type VideoCodec } from "./annex-b.ts";

/** What a simulated camera plays: pictures at an even rate, from a whole one on. */
export interface Recording {
  readonly codec: VideoCodec;
  readonly fps: number;
  readonly units: readonly AccessUnit[];
  /** As the description names them out of band: (VPS,) SPS, PPS. */
  readonly parameterSets: readonly Uint8Array[];
}

export interface RecordingShape {
  readonly codec: VideoCodec;
  readonly fps: number;
}

/** Raw pictures, RGB, to encode. */
export interface RawPictures {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pictures: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** No B pictures, one slice, a whole picture every second: what cameras are set to. */
const ENCODERS: Readonly<Record<VideoCodec, readonly string[]>> = {
  h264: [
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "0",
    "-x264-params",
    "sliced-threads=0:scenecut=0:repeat-headers=1",
  ],
  h265: [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "bframes=0:scenecut=0:repeat-headers=1:log-level=error",
  ],
};

/** Encodes raw pictures. @throws Error with ffmpeg's words */
export async function encodePictures(raw: RawPictures, { codec, fps }: RecordingShape): Promise<Recording> {
  const size = `${raw.widthPx}x${raw.heightPx}`;
  const input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", String(fps), "-i", "pipe:0"];
  return recordingOf(await elementary(input, { codec, fps }, ["-threads", "1", "-crf", "26"], raw.pictures), {
    codec,
    fps,
  });
}

/** Encodes any input that ffmpeg takes, e.g. `["-f", "lavfi", "-i", "testsrc2=duration=4"]`. */
export async function encodeInput(input: readonly string[], shape: RecordingShape): Promise<Recording> {
  return recordingOf(await elementary(input, shape, ["-r", String(shape.fps)]), shape);
}

/** The very pictures of a file, not encoded anew. */
export async function readRecording(path: string, { codec, fps }: RecordingShape): Promise<Recording> {
  const filter = codec === "h264" ? "h264_mp4toannexb" : "hevc_mp4toannexb";
  const copy = ["-map", "0:v:0", "-c:v", "copy", "-bsf:v", filter, "-f", codec === "h264" ? "h264" : "hevc", "pipe:1"];
  return recordingOf(await run(["-i", path, ...copy]), { codec, fps });
}

function elementary(
  input: readonly string[],
  { codec, fps }: RecordingShape,
  more: readonly string[],
  pictures?: RawPictures["pictures"],
): Promise<Uint8Array> {
  const out = [
    "-an",
    ...more,
    ...ENCODERS[codec],
    "-g",
    String(fps),
    "-keyint_min",
    String(fps),
    "-pix_fmt",
    "yuv420p",
  ];
  return run([...input, ...out, "-f", codec === "h264" ? "h264" : "hevc", "pipe:1"], pictures);
}

function recordingOf(stream: Uint8Array, { codec, fps }: RecordingShape): Recording {
  const units = accessUnits(stream, codec);
  const first = units.findIndex(({ isKey }) => isKey);
  if (first < 0) throw new Error("the video holds no whole picture");
  const parameterSets = (units[first]?.nals ?? []).filter((nal) => nalKind(nal, codec) === "set");
  return { codec, fps, units: units.slice(first), parameterSets };
}

async function run(args: readonly string[], pictures?: RawPictures["pictures"]): Promise<Uint8Array> {
  const child = spawn("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", ...args], {
    stdio: [pictures === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  let words = "";
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-2000);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.on("error", () => reject(new Error("there is no ffmpeg to run: install it, e.g. apt-get install ffmpeg")));
  child.on("close", (code) =>
    code === 0 ? resolve() : reject(new Error(words.trim() || `ffmpeg ended with ${code}`)),
  );
  const { stdin } = child;
  if (pictures !== undefined && stdin !== null) {
    stdin.on("error", () => {});
    for await (const picture of pictures) {
      if (!stdin.write(picture)) await Promise.race([new Promise((drained) => stdin.once("drain", drained)), promise]);
    }
    stdin.end();
  }
  await promise;
  return Buffer.concat(chunks);
}

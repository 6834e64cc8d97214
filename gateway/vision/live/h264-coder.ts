import { type ChildProcessByStdio, spawn } from "node:child_process";
import { setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { LiveNoneCode } from "../../../protocol/live-video.ts";
import type { LiveCoding } from "../../contracts/cameras.ts";
import { codeOf } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";
import { endChild } from "../capture/capture-run.ts";
import { type Ffmpeg, hasEncoder } from "../capture/ffmpeg.ts";
import { type Fragment, FragmentReader } from "../capture/fragment-reader.ts";
import type { MediaHeader } from "../capture/media-header.ts";

type Coding = ChildProcessByStdio<Writable, Readable, Readable>;

const ENCODER = "libx264";
/** Meters are polled on time while this process computes. */
const PRIORITY = 5;
const PATIENCE_MS = 1500;
/** Fragments of half a second: a coder that is further behind than this shows no live picture. */
const MOST_WAITING = 4;
/** So many processes in a row that gave no picture, and it is the video or the ffmpeg that cannot be helped. */
const MOST_FAILURES = 3;
const KEPT_WORDS = 1024;

export interface H264CoderOptions {
  readonly cameraId: string;
  readonly ffmpeg: () => Promise<Ffmpeg>;
  readonly coding: LiveCoding;
  readonly log: Logger;
}

export interface CoderSink {
  media(fragment: Fragment, header: MediaHeader): void;
  none(code: LiveNoneCode): void;
}

/**
 * A camera's video as small H.264, made by one process from what the one capture copies. It lives from the first fragment to
 * `end`; its pipe from us ends it should we die. What it has no time for is dropped up to the next whole picture.
 */
export class H264Coder {
  readonly #options: H264CoderOptions;
  readonly #sink: CoderSink;
  #from: MediaHeader | undefined;
  #child: Coding | undefined;
  /** From a whole picture on, while the process starts. */
  #held: Uint8Array[] = [];
  #waiting = 0;
  #isBroken = false;
  #failures = 0;

  constructor(options: H264CoderOptions, sink: CoderSink) {
    this.#options = options;
    this.#sink = sink;
  }

  take({ bytes, isKey }: Fragment, header: MediaHeader): void {
    if (header !== this.#from) {
      this.end();
      this.#from = header;
      void this.#begin(header);
    }
    const stdin = this.#child?.stdin;
    if (stdin === undefined) {
      if (isKey) this.#held = [bytes];
      else if (this.#held.length > 0 && this.#held.length < MOST_WAITING) this.#held.push(bytes);
      else this.#held = [];
      return;
    }
    const isFull = this.#waiting >= MOST_WAITING;
    if (isFull || (this.#isBroken && !isKey)) {
      this.#isBroken = true;
      return;
    }
    this.#isBroken = false;
    this.#write(stdin, bytes);
  }

  end(): void {
    this.#from = undefined;
    this.#held = [];
    this.#failures = 0;
    this.#drop();
  }

  async #begin(header: MediaHeader): Promise<void> {
    const { cameraId, log, coding } = this.#options;
    try {
      const ffmpeg = await this.#options.ffmpeg();
      const isAble = await hasEncoder(ffmpeg.path, ENCODER);
      if (header !== this.#from) return;
      if (isAble) {
        this.#start(header, ffmpeg);
        log.info({ camera: cameraId, codec: header.codec, ...coding }, "live video is coded anew");
        return;
      }
      const hint = `Install an ffmpeg with ${ENCODER}, as Debian's is, or set the camera's second stream to H.264.`;
      log.warn({ code: "LIVE_ENCODER", camera: cameraId, ffmpeg: ffmpeg.version, hint }, "live video not coded");
    } catch (error) {
      log.warn({ code: codeOf(error), camera: cameraId, error: String(error) }, "live video not coded");
    }
    if (header === this.#from) this.#sink.none("LIVE_ENCODER");
  }

  #start(header: MediaHeader, ffmpeg: Ffmpeg): void {
    const [program = ffmpeg.path, ...args] = [
      ...ffmpeg.endWithUs,
      ffmpeg.path,
      ...coderArguments(this.#options.coding, ffmpeg),
    ];
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    let coded: MediaHeader | undefined;
    let words = "";
    const reader = new FragmentReader({
      header: (made) => {
        coded = made;
      },
      fragment: (fragment) => {
        if (coded === undefined || this.#child !== child) return;
        this.#failures = 0;
        this.#sink.media(fragment, coded);
      },
    });
    child.on("error", () => {});
    child.stdin.on("error", () => {});
    child.stdout.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        words = String(error);
        child.kill("SIGKILL");
      }
    });
    child.stderr.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-KEPT_WORDS);
    });
    child.on("close", () => this.#lost(child, header, ffmpeg, words));
    lowerPriority(child.pid);
    this.#isBroken = this.#held.length === 0;
    this.#waiting = 0;
    this.#write(child.stdin, header.bytes);
    for (const bytes of this.#held.splice(0)) this.#write(child.stdin, bytes);
  }

  /** It ended though somebody looks. */
  #lost(child: Coding, header: MediaHeader, ffmpeg: Ffmpeg, words: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#failures += 1;
    const isGivenUp = this.#failures >= MOST_FAILURES;
    const fields = { code: "LIVE_ENCODER", camera: this.#options.cameraId, seen: words.trim(), isGivenUp };
    this.#options.log.warn(fields, "live coding ended");
    if (isGivenUp) this.#sink.none("LIVE_ENCODER");
    else this.#start(header, ffmpeg);
  }

  #write(stdin: Writable, bytes: Uint8Array): void {
    this.#waiting += 1;
    stdin.write(bytes, () => {
      if (this.#child?.stdin === stdin) this.#waiting -= 1;
    });
  }

  #drop(): void {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.stdin.destroy();
    const killing = endChild(child, PATIENCE_MS);
    child.once("close", () => clearInterval(killing));
  }
}

function coderArguments({ widthPx, framesPerS, kbitPerS }: LiveCoding, ffmpeg: Ffmpeg): readonly string[] {
  const gapS = Math.max(0, 1 / framesPerS - 0.01).toFixed(3);
  const small = [
    `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${gapS})'`,
    `scale='min(${widthPx},iw)':-2:flags=fast_bilinear`,
  ];
  return [
    ...["-hide_banner", "-nostats", "-loglevel", "level+error", "-threads", "1"],
    // The header says all: waiting for a guess of the rate would cost seconds of every start.
    ...["-fflags", "nobuffer", "-analyzeduration", "0", "-probesize", "32", "-fpsprobesize", "0"],
    ...["-f", "mp4", "-i", "pipe:0", "-map", "0:v:0", "-an", "-filter_threads", "1", "-vf", small.join(",")],
    // By the pictures' own times, not by a rate: a camera may send fewer than are wanted.
    ...[...ffmpeg.passThrough, "-c:v", ENCODER, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1"],
    ...["-b:v", `${kbitPerS}k`, "-maxrate", `${kbitPerS}k`, "-bufsize", `${kbitPerS}k`],
    // A whole picture a second: where a thin line or a late viewer goes on.
    ...["-force_key_frames", "expr:isnan(prev_forced_t)+gte(t,prev_forced_t+1)", "-g", String(framesPerS * 4)],
    ...["-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"],
    ...["-frag_duration", "500000", "-flush_packets", "1", "pipe:1"],
  ];
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, PRIORITY);
  } catch {
    // It has ended already, which its close says.
  }
}

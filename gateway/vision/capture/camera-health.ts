import type { Clock } from "../../../drivers/driver.ts";
import type { DeviceBody } from "../../../protocol/bodies.ts";
import type { CameraState, CameraTrouble, Judgement } from "../../contracts/vision.ts";
import type { CaptureEnd } from "./capture-run.ts";
import { RING_HINT } from "./clip-ring.ts";
import type { PictureFault } from "./picture-watch.ts";

/** While a camera is away, its health is said again this often. */
const REPEAT_EVERY_MS = 60_000;

/** Most cameras deliver within this time of a start: until then nothing is said. */
const FIRST_WORD_MS = 8000;
const MAX_WORDS = 500;

const HINTS: Readonly<Record<CaptureEnd["code"], string>> = {
  CAMERA_AUTH:
    "The camera refuses the account: check `user` and its password file. It is tried again every few minutes only, since cameras lock accounts.",
  CAMERA_CERTIFICATE: "Pin the camera's certificate under `tls`, or name your authority there.",
  CAMERA_SILENT:
    "It is connected and sends nothing: look at the camera's power and the link; many cameras need a restart.",
  CAMERA_BEHIND:
    "This box or its link is too slow for the stream, or was paused: take the camera's second stream, fewer pictures, or `decode: keyframes`.",
  CAMERA_UNREACHABLE: "Check the camera's power, cable and address; `shao probe` tells what answers.",
  CAMERA_NO_STREAM: "The camera has no such stream: check the path of `url` against its manual.",
  CAMERA_ENDED: "The camera ended the stream, as it does when it restarts or has too many viewers.",
  CAMERA_FORMAT: "Somebody changed the camera's settings; the capture begins anew with them.",
  CAPTURE_STREAM: "The capture starts again by itself; if it stays, try another version of ffmpeg.",
  FFMPEG_MISSING: "Cameras need ffmpeg: run scripts/setup, or `sudo apt-get install ffmpeg`.",
};

/** A camera's state as any device's health: what its fault alarms at the bridge follow from. */
export class CameraHealth {
  readonly #clock: Clock;
  readonly #report: (body: DeviceBody) => void;
  #state: DeviceBody["state"] = "starting";
  #sinceMs: number;
  #words: CameraTrouble | undefined;
  #retryInMs: number | undefined;
  #repeated = 0;
  #reportedUpMs = 0;

  constructor(clock: Clock, report: (body: DeviceBody) => void) {
    this.#clock = clock;
    this.#report = report;
    this.#sinceMs = clock.nowMs();
    this.#reportedUpMs = clock.upMs() + FIRST_WORD_MS - REPEAT_EVERY_MS;
  }

  get body(): DeviceBody {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      ...this.#words,
      ...(this.#retryInMs !== undefined && { retryInMs: this.#retryInMs }),
      ...(this.#repeated > 0 && { repeated: this.#repeated }),
    };
  }

  live(): void {
    this.#words = undefined;
    this.#retryInMs = undefined;
    this.#enter("online");
  }

  lost({ code, message, hint = HINTS[code] }: CaptureEnd, retryInMs: number): void {
    if (code === "CAMERA_FORMAT") return;
    const state = code === "CAMERA_SILENT" || code === "CAMERA_BEHIND" ? "silent" : "offline";
    const isKnown = this.#state === state && this.#words?.code === code;
    this.#words = fitting({ code, message, hint });
    this.#retryInMs = retryInMs;
    if (isKnown) this.#repeated += 1;
    else this.#enter(state);
  }

  /** Trouble of a camera that delivers pictures is shown beside "online". */
  tick(
    state: CameraState,
    picture: ReadonlySet<PictureFault>,
    rate: { readonly fps: number; readonly expectFps: number } | undefined,
    ring: string | undefined,
    judgement: Judgement | undefined,
  ): void {
    if (state === "live") {
      const blind = judgement?.isBlind === true ? judgement.words : undefined;
      const words = pictureWords(picture) ?? blind ?? rateWords(rate) ?? ringWords(ring) ?? judgement?.words;
      if (words?.code !== this.#words?.code) {
        this.#words = words && fitting(words);
        this.#say();
      }
    } else if (this.#state !== "online" && this.#clock.upMs() - this.#reportedUpMs >= REPEAT_EVERY_MS) this.#say();
  }

  #enter(state: DeviceBody["state"]): void {
    if (state !== this.#state) this.#sinceMs = this.#clock.nowMs();
    this.#state = state;
    this.#say();
  }

  #say(): void {
    this.#reportedUpMs = this.#clock.upMs();
    this.#report(this.body);
    this.#repeated = 0;
  }
}

/** A record takes no more. */
function fitting({ code, message, hint }: CameraTrouble): CameraTrouble {
  return { code, message: message.slice(0, MAX_WORDS), hint: hint.slice(0, MAX_WORDS) };
}

const PICTURE_WORDS: Readonly<Record<PictureFault, CameraTrouble>> = {
  "camera-covered": {
    code: "CAMERA_COVERED",
    message: "the picture shows nothing: it has no structure at all",
    hint: "Look whether the lens is covered, painted or turned to a wall, or there is no light at all.",
  },
  "camera-frozen": {
    code: "CAMERA_FROZEN",
    message: "the picture does not change any more, not even by noise",
    hint: "Restart the camera; some repeat their last picture for ever when their sensor has failed.",
  },
};

function pictureWords(faults: ReadonlySet<PictureFault>): CameraTrouble | undefined {
  // A covered picture is often a still one too.
  const fault = faults.has("camera-covered") ? "camera-covered" : [...faults][0];
  return fault === undefined ? undefined : PICTURE_WORDS[fault];
}

function rateWords(rate: { readonly fps: number; readonly expectFps: number } | undefined): CameraTrouble | undefined {
  if (rate === undefined) return undefined;
  return {
    code: "CAMERA_FRAME_RATE",
    message: `${rate.fps.toFixed(1)} pictures a second instead of ${rate.expectFps.toFixed(1)}`,
    hint: "Look at the camera's settings and the link; by night many cameras halve their rate, then set expectFps to that.",
  };
}

function ringWords(code: string | undefined): CameraTrouble | undefined {
  if (code === undefined) return undefined;
  return {
    code: "CAMERA_RING",
    message: `its clips cannot be kept (${code})`,
    hint: RING_HINT,
  };
}

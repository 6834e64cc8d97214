import type { Clock } from "../../../drivers/driver.ts";
import type { DeviceBody } from "../../../protocol/bodies.ts";
import type { CameraSettings } from "../../contracts/cameras.ts";
import { codeOf, GatewayError } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { CameraState, Judgement, SmallFrame } from "../../contracts/vision.ts";
import { CameraHealth } from "./camera-health.ts";
import { secretUrl } from "./camera-url.ts";
import { captureBackOff } from "./capture-back-off.ts";
import { captureCommand } from "./capture-command.ts";
import { CAPTURE_LIMITS, type CaptureEnd, type CaptureLimits, runCapture } from "./capture-run.ts";
import { ClipRing } from "./clip-ring.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { type Fragment, FragmentReader } from "./fragment-reader.ts";
import { LatestFrame } from "./latest-frame.ts";
import { MediaClock } from "./media-clock.ts";
import type { MediaHeader } from "./media-header.ts";
import { MediaPace } from "./media-pace.ts";
import { PictureReader } from "./picture-reader.ts";
import { PictureTimes } from "./picture-times.ts";
import { PictureWatch } from "./picture-watch.ts";
import { RateWatch } from "./rate-watch.ts";
import { isSecured, openTlsRelay, type TlsRelay } from "./tls-relay.ts";

export interface CameraOptions {
  readonly settings: CameraSettings;
  readonly ffmpeg: () => Promise<Ffmpeg>;
  readonly ringDirectory: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onHealth: (body: DeviceBody) => void;
  readonly limits?: CaptureLimits;
}

const LOOK_WITHIN_MS = 5000;

const CLOCK_SET_BACK: CaptureEnd = {
  code: "CAPTURE_STREAM",
  message: "the times of its pictures stand still: the clock that they follow was set back",
  hint: "The capture begins anew by itself; if it repeats, let the camera (over HTTP this box) take its time from one source only.",
};

/** Facts for the local page, metrics and probe. */
export interface CameraFacts {
  readonly state: CameraState;
  readonly codec?: string;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly fps?: number;
  readonly bytesPerS?: number;
  readonly pictures: number;
  readonly skipped: number;
  readonly captures: number;
  readonly ringBytes: number;
  readonly ringLost: number;
  readonly lastPictureUpMs?: number;
}

/** What hears every fragment of the camera's own video, for live view. */
export type MediaListener = (fragment: Fragment, header: MediaHeader) => void;

type Picture = Pick<SmallFrame, "width" | "height" | "rgb">;

/** One camera: one ffmpeg after another, with what comes of them. It never rejects and never gives up. */
export class Camera {
  readonly settings: CameraSettings;
  readonly frames: LatestFrame;
  readonly ring: ClipRing;
  readonly picture: PictureWatch;
  readonly #options: CameraOptions;
  readonly #health: CameraHealth;
  readonly #rate: RateWatch;
  readonly #listeners = new Set<MediaListener>();
  readonly #lookers = new Set<(frame: SmallFrame) => void>();
  #state: CameraState = "idle";
  #header: MediaHeader | undefined;
  #isTranscoded = false;
  #captures = 0;
  #pictures = 0;
  #lastPictureUpMs: number | undefined;
  #bytes: { upMs: number; count: number } = { upMs: 0, count: 0 };
  #bytesPerS: number | undefined;

  constructor(options: CameraOptions) {
    const { settings, clock, log, ringDirectory } = options;
    this.settings = settings;
    this.#options = options;
    this.frames = new LatestFrame(settings.id, settings.isMobile);
    const { ringS, ringMaxBytes } = settings;
    this.ring = new ClipRing({ directory: ringDirectory, keepMs: ringS * 1000, maxBytes: ringMaxBytes, log });
    this.picture = new PictureWatch(settings);
    this.#rate = new RateWatch(settings.expectFps);
    this.#health = new CameraHealth(clock, options.onHealth);
  }

  get state(): CameraState {
    return this.#state;
  }

  get health(): DeviceBody {
    return this.#health.body;
  }

  /** Of the capture that runs, or ran last. */
  get header(): MediaHeader | undefined {
    return this.#header;
  }

  /** What evidence must say of its clips: they are not the camera's own bytes. */
  get isTranscoded(): boolean {
    return this.#isTranscoded;
  }

  get facts(): CameraFacts {
    const header = this.#header;
    const { fps } = this.#rate;
    return {
      state: this.#state,
      ...(header && { codec: header.codec, widthPx: header.widthPx, heightPx: header.heightPx }),
      ...(fps !== undefined && { fps }),
      ...(this.#bytesPerS !== undefined && { bytesPerS: this.#bytesPerS }),
      pictures: this.#pictures,
      skipped: this.frames.skipped,
      captures: this.#captures,
      ringBytes: this.ring.sizeBytes,
      ringLost: this.ring.lost,
      ...(this.#lastPictureUpMs !== undefined && { lastPictureUpMs: this.#lastPictureUpMs }),
    };
  }

  /** A copy of the next small picture, for one who looks. @returns undefined where none comes for 5 s */
  nextPicture(): Promise<SmallFrame | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#lookers.delete(look);
        resolve(undefined);
      }, LOOK_WITHIN_MS);
      const look = (frame: SmallFrame): void => {
        clearTimeout(timer);
        resolve({ ...frame, rgb: frame.rgb.slice() });
      };
      this.#lookers.add(look);
    });
  }

  onMedia(listener: MediaListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves after `signal` aborts and the last ffmpeg is gone. */
  async run(signal: AbortSignal): Promise<void> {
    const pauses = captureBackOff();
    while (!signal.aborted) {
      this.#enter("connecting");
      const end = await this.#capture(signal, () => pauses.reset());
      if (signal.aborted || end === undefined) break;
      this.picture.interrupted();
      this.#rate.interrupted();
      const isRefused = end.code === "CAMERA_AUTH";
      const isStalled = end.code === "CAMERA_SILENT" || end.code === "CAMERA_BEHIND";
      this.#enter(isRefused ? "auth-failed" : isStalled ? "stalled" : "back-off");
      const pauseMs = end.code === "CAMERA_FORMAT" ? 0 : pauses.next(isRefused);
      this.#health.lost(end, pauseMs);
      this.#tell(end, pauseMs);
      await this.#options.clock.sleep(pauseMs, signal);
    }
    this.#enter("idle");
    await this.ring.close();
  }

  /** What follows from time alone. */
  tick(judgement?: Judgement): void {
    this.#health.tick(this.#state, this.picture.faults, this.#rate.fault, this.ring.trouble, judgement);
  }

  #enter(state: CameraState): void {
    this.#state = state;
  }

  async #capture(signal: AbortSignal, onLive: () => void): Promise<CaptureEnd | undefined> {
    const { settings, clock, limits } = this.#options;
    let ffmpeg: Ffmpeg;
    let url: string;
    let relay: TlsRelay | undefined;
    try {
      ffmpeg = await this.#options.ffmpeg();
      if (isSecured(settings.url)) relay = await openTlsRelay(settings.url, settings.tls);
      url = await secretUrl(relay === undefined ? settings : { ...settings, url: relay.url });
    } catch (error) {
      relay?.close();
      return whyNotStarted(error);
    }
    const command = captureCommand(settings, url, ffmpeg);
    this.#isTranscoded = command.isTranscoded;
    this.#captures += 1;
    const media = new MediaClock();
    const behindMs = (limits ?? CAPTURE_LIMITS).behindMs;
    let reason: CaptureEnd | undefined;
    const clockOfPictures = new MediaClock();
    const show = (picture: Picture, mediaMs?: number): void => {
      // Of the machine itself: a camera's time runs by no other clock that a node may be given.
      const nowMs = performance.now();
      const lateMs = mediaMs === undefined ? 0 : nowMs - mediaMs - clockOfPictures.heard(mediaMs, nowMs);
      if (lateMs <= behindMs) this.#onPicture(picture, lateMs, onLive);
      else reason ??= { code: "CAMERA_BEHIND", message: `its pictures come ${(lateMs / 1000).toFixed(1)} s late` };
    };
    const timed = new PictureTimes<Picture>(show);
    const pictures = new PictureReader({
      buffer: (sizeBytes) => this.frames.buffer(sizeBytes),
      picture: (width, height, rgb) => {
        const picture = { width, height, rgb };
        if (ffmpeg.tellsTimes) timed.picture(picture);
        else show(picture);
      },
    });
    let pace: MediaPace | undefined;
    const fragments = new FragmentReader({
      header: (header) => {
        this.#header = header;
        pace = new MediaPace(header.timescale);
        this.ring.begin(header);
      },
      fragment: (fragment) => {
        if (fragment.changesFormat)
          reason = { code: "CAMERA_FORMAT", message: "the camera changed its picture's format" };
        else if (pace?.standsStill(fragment) === true) reason ??= CLOCK_SET_BACK;
        else this.#onFragment(fragment, media, clock.upMs());
      },
    });
    const sinks = {
      pictures: (chunk: Uint8Array) => pictures.push(chunk),
      times: (chunk: Uint8Array) => timed.push(chunk),
      media: (chunk: Uint8Array) => fragments.push(chunk),
      restart: () => reason,
    };
    try {
      return await runCapture(ffmpeg, command, sinks, signal, limits ?? CAPTURE_LIMITS);
    } finally {
      relay?.close();
    }
  }

  #onPicture(picture: Picture, lateMs: number, onLive: () => void): void {
    const { clock } = this.#options;
    const frame = { atMs: Math.round(clock.nowMs() - lateMs), upMs: Math.round(clock.upMs() - lateMs), ...picture };
    this.#pictures += 1;
    this.#lastPictureUpMs = frame.upMs;
    if (this.#state !== "live") {
      this.#enter("live");
      this.#health.live();
      onLive();
    }
    this.picture.look(frame);
    for (const look of this.#lookers) look({ cameraId: this.settings.id, ...frame });
    this.#lookers.clear();
    this.frames.put(frame);
  }

  #onFragment(fragment: Fragment, media: MediaClock, upMs: number): void {
    const offsetMs = media.heard(fragment.toMs, upMs);
    this.#rate.heard(upMs - (fragment.toMs - fragment.fromMs), upMs, fragment.pictures);
    this.ring.add(fragment, fragment.fromMs + offsetMs, fragment.toMs + offsetMs);
    this.#count(fragment.bytes.length, upMs);
    const header = this.#header;
    if (header === undefined) return;
    for (const listener of this.#listeners) listener(fragment, header);
  }

  #count(sizeBytes: number, upMs: number): void {
    this.#bytes.count += sizeBytes;
    const passedMs = upMs - this.#bytes.upMs;
    if (passedMs < 5000) return;
    if (this.#bytes.upMs > 0) this.#bytesPerS = (this.#bytes.count * 1000) / passedMs;
    this.#bytes = { upMs, count: 0 };
  }

  #tell({ code, message }: CaptureEnd, retryInMs: number): void {
    const fields = { camera: this.settings.id, code, seen: message, retryInMs };
    if (code === "CAMERA_FORMAT") this.#options.log.info(fields, "camera changed its picture, capture begins anew");
    else this.#options.log.warn(fields, "camera lost, will retry");
  }
}

function whyNotStarted(error: unknown): CaptureEnd {
  const message = error instanceof Error ? error.message : codeOf(error);
  if (!(error instanceof GatewayError)) return { code: "FFMPEG_MISSING", message };
  const { code, hint } = error;
  if (code === "CAMERA_PASSWORD") return { code: "CAMERA_AUTH", message };
  if (code === "CAMERA_CERTIFICATE" || code === "CAMERA_UNREACHABLE") return { code, message, hint };
  return { code: "FFMPEG_MISSING", message };
}

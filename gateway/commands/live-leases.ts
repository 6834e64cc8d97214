import { LIVE_LEASE_MS } from "../../protocol/limits.ts";
import type { WantedVideo } from "../contracts/live-line.ts";

/** Who is being watched: each lease holds for 60 s from its last renewal. Time is the run's monotonic one. */
export class LiveLeases {
  readonly #upMs: () => number;
  readonly #untilMs = new Map<string, number>();
  #video: { readonly camera: string; readonly untilMs: number } | undefined;
  #asks = 0;

  constructor(upMs: () => number) {
    this.#upMs = upMs;
  }

  renew(device: string): void {
    this.#untilMs.set(device, this.#upMs() + LIVE_LEASE_MS);
  }

  /** The camera of which the bridge wants video now. */
  get video(): string | undefined {
    if (this.#video !== undefined && this.#video.untilMs < this.#upMs()) this.#video = undefined;
    return this.#video?.camera;
  }

  /** The same, with how often it was asked for. */
  get videoWanted(): WantedVideo | undefined {
    const camera = this.video;
    return camera === undefined ? undefined : { camera, asks: this.#asks };
  }

  /** One stream at a time. @returns false: that of another camera is being watched */
  renewVideo(camera: string): boolean {
    if (this.video !== undefined && this.video !== camera) return false;
    this.#video = { camera, untilMs: this.#upMs() + LIVE_LEASE_MS };
    this.#asks += 1;
    return true;
  }

  /** The last who looked has gone. */
  endVideo(camera: string): void {
    if (this.#video?.camera === camera) this.#video = undefined;
  }

  isWatched(device: string): boolean {
    const until = this.#untilMs.get(device);
    if (until === undefined) return false;
    if (until >= this.#upMs()) return true;
    this.#untilMs.delete(device);
    return false;
  }
}

import { encodeLivePart, LIVE_HEAD_BYTES, LiveGate, type LiveMessage } from "../../../protocol/live-video.ts";
import type { LiveLine, WantedVideo } from "../../contracts/live-line.ts";
import type { LiveView } from "../../contracts/live-view.ts";

/** How often the line is asked for room while something waits. */
const PUMP_MS = 25;
/** One fragment on its way and one behind it: what is older than that is no live picture. */
const MOST_WAITING = 2;

export interface VideoUplinkOptions {
  readonly view: LiveView;
  readonly line: LiveLine;
  /** The one camera of which the bridge wants video now. */
  readonly wanted: () => WantedVideo | undefined;
}

/**
 * Video of one camera to the bridge, while its lease stands. What the line cannot carry is dropped up to the next whole
 * picture: on a thin line whole pictures alone go, and nothing grows.
 */
export class VideoUplink {
  readonly #options: VideoUplinkOptions;
  #stream: { readonly camera: string; readonly stop: () => void } | undefined;
  #asks = 0;
  /** How what is going now began: a header, or why there is nothing. */
  #opening: LiveMessage | undefined;
  #gate = new LiveGate();
  #waiting: LiveMessage[] = [];
  #offset = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: VideoUplinkOptions) {
    this.#options = options;
  }

  get camera(): string | undefined {
    return this.#stream?.camera;
  }

  /** Starts and ends as the lease says. */
  tick(): void {
    const wanted = this.#options.wanted();
    if (wanted?.camera !== this.#stream?.camera) this.#change(wanted?.camera);
    else if (wanted !== undefined && wanted.asks !== this.#asks) this.#sayOpening();
    this.#asks = wanted?.asks ?? 0;
  }

  #change(camera: string | undefined): void {
    this.stop();
    if (camera === undefined) return;
    this.#gate = new LiveGate();
    const stop = this.#options.view.watchH264(camera, (message) => this.#take(message));
    if (stop === undefined) return;
    this.#stream = { camera, stop };
    this.#pump();
  }

  /** Whoever asks anew, also so soon that the video never ended here, has not heard it. */
  #sayOpening(): void {
    if (this.#opening !== undefined) this.#waiting.push(this.#opening);
    this.#pump();
  }

  stop(): void {
    this.#stream?.stop();
    this.#stream = undefined;
    this.#opening = undefined;
    this.#waiting = [];
    this.#offset = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #take(message: LiveMessage): void {
    if (message.kind !== "fragment") {
      this.#opening = message;
      // A header makes all before it useless, but not what has begun to go.
      this.#waiting = this.#offset > 0 ? this.#waiting.slice(0, 1) : [];
    }
    if (this.#gate.admits(message, this.#waiting.length < MOST_WAITING)) this.#waiting.push(message);
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { line, view } = this.#options;
    for (
      let message = this.#waiting[0];
      message !== undefined && this.#stream !== undefined;
      message = this.#waiting[0]
    ) {
      const room = line.roomBytes();
      if (room <= LIVE_HEAD_BYTES) break;
      const part = encodeLivePart(message, this.#offset, room);
      if (!line.send(this.#stream.camera, part, () => this.#pump())) break;
      view.bytes.bridge += part.length;
      this.#offset += part.length - LIVE_HEAD_BYTES;
      if (this.#offset < message.body.length) continue;
      this.#offset = 0;
      this.#waiting.shift();
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#pump(), PUMP_MS);
  }
}

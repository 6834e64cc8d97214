import { LIVE_LEASE_MS } from "../../protocol/limits.ts";
import {
  decodeLivePart,
  encodeLivePart,
  LiveAssembler,
  LiveGate,
  type LiveMessage,
} from "../../protocol/live-video.ts";
import { BridgeError } from "../store/errors.ts";
import type { Logger } from "../store/logger.ts";

/** Two lost renewals in a row end a lease, one does not. */
const RENEW_MS = 25_000;
/** More than this waiting for a viewer, and it gets nothing until it has caught up and a whole picture comes. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** A page that was left open does not use up a node's line: whoever still looks asks again. */
const LONGEST_MS = 10 * 60_000;
const MOST_VIEWERS_OF_ACCOUNT = 8;

/** Somebody who looks, as far as the fan-out is concerned. */
export interface LiveViewer {
  readonly account: string;
  readonly waitingBytes: number;
  send(bytes: Uint8Array): void;
  end(): void;
  /** Asked with each renewal: the session may be over, the account moved. */
  isAllowed(): Promise<boolean>;
}

export interface LiveVideoOptions {
  readonly nowMs: () => number;
  /** `forMs: 0` ends the lease. @returns whether the node is connected */
  readonly order: (node: string, camera: string, forMs: number) => Promise<boolean>;
  readonly log: Logger;
}

interface Watching {
  readonly gate: LiveGate;
  readonly untilMs: number;
  /** At the last renewal it had not caught up. */
  wasStuck: boolean;
}

interface Stream {
  readonly camera: string;
  readonly viewers: Map<LiveViewer, Watching>;
  readonly assembler: LiveAssembler;
  readonly timer: NodeJS.Timeout;
  /** What a viewer must have first, or why there is nothing. */
  opening?: LiveMessage;
}

/**
 * Live video from nodes to however many look: one stream a node on its line, held by a lease that is renewed while anybody
 * looks and ended with the last. Nothing is kept: who is slow misses pictures, and nobody waits for them.
 */
export class LiveVideo {
  readonly #options: LiveVideoOptions;
  readonly #streams = new Map<string, Stream>();
  readonly #counted = { bytesIn: 0, bytesOut: 0 };

  constructor(options: LiveVideoOptions) {
    this.#options = options;
  }

  get counters() {
    const viewers = [...this.#streams.values()].reduce((sum, { viewers: { size } }) => sum + size, 0);
    return { ...this.#counted, streams: this.#streams.size, viewers };
  }

  /**
   * @returns what ends this viewer's part
   * @throws BridgeError NODE_NOT_CONNECTED, LIVE_BUSY, LIVE_VIEWERS
   */
  async open(node: string, camera: string, viewer: LiveViewer): Promise<() => void> {
    this.#demandRoom(node, camera, viewer);
    if (!(await this.#options.order(node, camera, LIVE_LEASE_MS))) {
      throw new BridgeError("NODE_NOT_CONNECTED", `${node} is not connected`, {
        status: 409,
        hint: "Live video needs the node's link; the newest still stays to be seen, with its age.",
      });
    }
    // Somebody may have come meanwhile.
    this.#demandRoom(node, camera, viewer);
    const stream = this.#streams.get(node) ?? this.#begin(node, camera);
    const untilMs = this.#options.nowMs() + LONGEST_MS;
    const entry = { gate: new LiveGate(), untilMs, wasStuck: false };
    stream.viewers.set(viewer, entry);
    if (stream.opening !== undefined) this.#give(stream.opening, encodeLivePart(stream.opening), viewer, entry.gate);
    return () => this.#leave(node, stream, viewer);
  }

  /** What a node published on `live`. @returns whether it was video */
  take(node: string, camera: string, bytes: Uint8Array): boolean {
    const part = decodeLivePart(bytes);
    if (part === undefined) return false;
    this.#counted.bytesIn += bytes.length;
    const stream = this.#streams.get(node);
    // The last has left, and the node does not know yet.
    if (stream?.camera !== camera) return true;
    const message = stream.assembler.push(part);
    if (message === undefined) return true;
    if (message.kind !== "fragment") {
      // Nodes say it again with each renewal, for who came since; everybody here has it.
      if (stream.opening !== undefined && isSame(stream.opening, message)) return true;
      stream.opening = message;
    }
    const whole = encodeLivePart(message);
    for (const [viewer, { gate }] of stream.viewers) this.#give(message, whole, viewer, gate);
    return true;
  }

  close(): void {
    for (const { timer, viewers } of this.#streams.values()) {
      clearInterval(timer);
      for (const viewer of viewers.keys()) viewer.end();
    }
    this.#streams.clear();
  }

  #demandRoom(node: string, camera: string, { account }: LiveViewer): void {
    const busy = this.#streams.get(node)?.camera;
    if (busy !== undefined && busy !== camera) {
      throw new BridgeError("LIVE_BUSY", `the video of ${busy} is being watched, and ${node} sends one at a time`, {
        status: 409,
        hint: `Watch ${busy} too, or wait until nobody does.`,
      });
    }
    const viewers = [...this.#streams.values()].flatMap((stream) => [...stream.viewers.keys()]);
    if (viewers.filter((viewer) => viewer.account === account).length < MOST_VIEWERS_OF_ACCOUNT) return;
    throw new BridgeError("LIVE_VIEWERS", `this account watches ${MOST_VIEWERS_OF_ACCOUNT} videos already`, {
      status: 429,
      hint: "Stop one of them, also in other windows.",
    });
  }

  #begin(node: string, camera: string): Stream {
    const timer = setInterval(() => {
      this.#renew(node, stream).catch((error: unknown) => {
        this.#options.log.warn({ node, camera, error: String(error) }, "live video not renewed");
      });
    }, RENEW_MS);
    const stream: Stream = { camera, viewers: new Map(), assembler: new LiveAssembler(), timer };
    this.#streams.set(node, stream);
    return stream;
  }

  async #renew(node: string, stream: Stream): Promise<void> {
    const nowMs = this.#options.nowMs();
    for (const [viewer, watching] of stream.viewers) {
      const isStuck = viewer.waitingBytes >= MOST_WAITING_BYTES;
      const isGone = isStuck && watching.wasStuck;
      watching.wasStuck = isStuck;
      if (!isGone && nowMs < watching.untilMs && (await viewer.isAllowed())) continue;
      viewer.end();
      this.#leave(node, stream, viewer);
    }
    // A node that is away for a moment is asked again the next time.
    if (stream.viewers.size > 0) await this.#options.order(node, stream.camera, LIVE_LEASE_MS);
  }

  #give(message: LiveMessage, whole: Uint8Array, viewer: LiveViewer, gate: LiveGate): void {
    if (!gate.admits(message, viewer.waitingBytes < MOST_WAITING_BYTES)) return;
    this.#counted.bytesOut += whole.length;
    viewer.send(whole);
  }

  #leave(node: string, stream: Stream, viewer: LiveViewer): void {
    if (!stream.viewers.delete(viewer) || stream.viewers.size > 0) return;
    clearInterval(stream.timer);
    if (this.#streams.get(node) === stream) this.#streams.delete(node);
    this.#options.order(node, stream.camera, 0).catch((error: unknown) => {
      this.#options.log.warn({ node, error: String(error) }, "the end of live video not told; its lease ends it");
    });
  }
}

/** The very same, and not that of a camera that came back, whose times begin anew. */
function isSame(one: LiveMessage, other: LiveMessage): boolean {
  const isOfOneMoment = one.kind === other.kind && one.seq === other.seq && one.atMs === other.atMs;
  return isOfOneMoment && Buffer.compare(one.body, other.body) === 0;
}

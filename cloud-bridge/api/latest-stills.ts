import { decodeLiveStill, type LiveStill } from "../../protocol/live-still.ts";

/** 64 KiB each at most; of more cameras that are looked at, the one that was heard longest ago begins anew. */
const MOST_CAMERAS = 512;

export interface KeptStill extends LiveStill {
  readonly receivedAtMs: number;
}

/** The newest still of each camera that somebody looked at, in memory: what was seen on a round is no evidence. */
export class LatestStills {
  readonly #nowMs: () => number;
  readonly #stills = new Map<string, KeptStill>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @returns whether it was a still */
  take(node: string, camera: string, bytes: Uint8Array): boolean {
    const still = decodeLiveStill(bytes);
    if (still === undefined) return false;
    const key = `${node}/${camera}`;
    this.#stills.delete(key);
    this.#stills.set(key, { atMs: still.atMs, jpeg: Buffer.from(still.jpeg), receivedAtMs: this.#nowMs() });
    const [longestUnheard] = this.#stills.size > MOST_CAMERAS ? this.#stills.keys() : [];
    if (longestUnheard !== undefined) this.#stills.delete(longestUnheard);
    return true;
  }

  get(node: string, camera: string): KeptStill | undefined {
    return this.#stills.get(`${node}/${camera}`);
  }
}

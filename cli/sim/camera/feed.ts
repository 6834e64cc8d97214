import type { AccessUnit } from "./annex-b.ts";
import type { Recording } from "./recording.ts";

export type FeedListener = (unit: AccessUnit, timestamp: number, recording: Recording) => void;

/** What a simulated camera sees: one recording after another, each picture on time, whoever looks. */
export class CameraFeed {
  readonly #listeners = new Set<FeedListener>();
  #recording: Recording;
  #queue: Recording[] = [];
  #isCutting = false;
  #at = 0;
  #shown = 0;
  #timestamp = 0;
  #dueMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isFrozen = false;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#tick();
  }

  get recording(): Recording {
    return this.#recording;
  }

  /** Pictures shown since the start. */
  get shown(): number {
    return this.#shown;
  }

  /** From the next whole picture on: each to its end, the last one again and again. */
  play(...recordings: readonly [Recording, ...Recording[]]): void {
    this.#queue = [...recordings];
    this.#isCutting = true;
  }

  /** The same whole picture again and again, as a camera that hangs. */
  freeze(isFrozen: boolean): void {
    this.#isFrozen = isFrozen;
  }

  /** Its clock is set by so much: the times of its pictures go on from there. */
  setClock(byMs: number): void {
    this.#timestamp = (((this.#timestamp + byMs * 90) % 2 ** 32) + 2 ** 32) % 2 ** 32;
  }

  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #tick(): void {
    const { units } = this.#recording;
    const isOver = this.#at >= units.length;
    if (isOver || (this.#isCutting && units[this.#at]?.isKey === true)) {
      const next = this.#queue.shift();
      if (next !== undefined) this.#recording = next;
      if (next !== undefined || isOver) this.#at = 0;
      this.#isCutting = false;
    }
    if (this.#isFrozen) this.#at = 0;
    const unit = this.#recording.units[this.#at];
    this.#at += 1;
    this.#shown += 1;
    const stepMs = 1000 / this.#recording.fps;
    this.#timestamp = (this.#timestamp + stepMs * 90) % 2 ** 32;
    const timestamp = Math.round(this.#timestamp);
    if (unit !== undefined) for (const listener of this.#listeners) listener(unit, timestamp, this.#recording);
    this.#dueMs = Math.max(this.#dueMs + stepMs, performance.now() - 1000);
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#dueMs - performance.now()));
  }
}

import type { AccessUnit } from "./annex-b.ts";
import type { Recording } from "./recording.ts";

export type FeedListener = (unit: AccessUnit, timestamp: number, recording: Recording) => void;

/** What a simulated camera sees: one recording after another, each picture on time, whoever looks. */
export class CameraFeed {
  readonly #listeners = new Set<FeedListener>();
  #recording: Recording;
  #next: Recording | undefined;
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

  /** From the next whole picture on, again and again. */
  play(recording: Recording): void {
    this.#next = recording;
  }

  /** The same whole picture again and again, as a camera that hangs. */
  freeze(isFrozen: boolean): void {
    this.#isFrozen = isFrozen;
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
    if (this.#next !== undefined && (units[this.#at]?.isKey === true || this.#at >= units.length)) {
      this.#recording = this.#next;
      this.#next = undefined;
      this.#at = 0;
    } else if (this.#at >= units.length || this.#isFrozen) this.#at = 0;
    const unit = this.#recording.units[this.#at];
    this.#at += 1;
    this.#shown += 1;
    const stepMs = 1000 / this.#recording.fps;
    this.#timestamp = (this.#timestamp + stepMs * 90) % 2 ** 32;
    if (unit !== undefined)
      for (const listener of this.#listeners) listener(unit, Math.round(this.#timestamp), this.#recording);
    this.#dueMs = Math.max(this.#dueMs + stepMs, performance.now() - 1000);
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#dueMs - performance.now()));
  }
}

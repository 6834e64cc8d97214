import type { KeptFile } from "../contracts/evidence.ts";

/**
 * One file on its way. `due`: to be offered · `offered`: no answer yet · `open`: the bridge wants bytes · `checking`: the
 * bridge put it together with another hash, so ours is looked at · `done`: stored under this epoch, or given up.
 */
export type UploadPhase = "due" | "offered" | "open" | "checking" | "done";

export class BlobUpload {
  readonly file: KeptFile;
  phase: UploadPhase = "due";
  /** The bridge has all before this. */
  ackedTo = 0;
  /** All before this has been sent, and may be on its way. */
  sentTo = 0;
  notBeforeMs = 0;
  hasRestarted = false;
  /** How often it could not be read. */
  troubles = 0;
  /** Went back after an answer that brought nothing new; a second such answer belongs to what was on its way before. */
  hasGoneBack = false;

  constructor(file: KeptFile) {
    this.file = file;
  }

  get isSent(): boolean {
    return this.sentTo >= this.file.sizeBytes;
  }

  /** Small and telling things first, and of those the oldest. */
  isBefore(other: BlobUpload): boolean {
    const rank = RANK[this.file.type] - RANK[other.file.type];
    return rank === 0 ? this.file.takenAtMs < other.file.takenAtMs : rank < 0;
  }
}

const RANK: Readonly<Record<KeptFile["type"], number>> = { levels: 0, snapshot: 1, file: 2, clip: 3 };

/** In the order of sending. */
export class UploadQueue {
  readonly #uploads: BlobUpload[] = [];

  find(is: (upload: BlobUpload) => boolean): BlobUpload | undefined {
    return this.#uploads.find(is);
  }

  add(upload: BlobUpload): void {
    let low = 0;
    let high = this.#uploads.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#uploads[middle];
      if (there !== undefined && !upload.isBefore(there)) low = middle + 1;
      else high = middle;
    }
    this.#uploads.splice(low, 0, upload);
  }

  delete(upload: BlobUpload): void {
    const at = this.#uploads.indexOf(upload);
    if (at >= 0) this.#uploads.splice(at, 1);
  }

  clear(): void {
    this.#uploads.length = 0;
  }

  /** The first that may go now. */
  ready(nowMs: number): BlobUpload | undefined {
    return this.#uploads.find(({ notBeforeMs }) => notBeforeMs <= nowMs);
  }

  /** When the first of those that wait may go; undefined when one may go now, or none waits. */
  wakeAtMs(nowMs: number): number | undefined {
    if (this.#uploads.length === 0 || this.ready(nowMs) !== undefined) return undefined;
    return Math.min(...this.#uploads.map(({ notBeforeMs }) => notBeforeMs));
  }
}

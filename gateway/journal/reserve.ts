import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

const CHUNK_BYTES = 256 * 1024;

/** Bytes on the disk that only alarms may have: a file of its own, given back when nothing else is free. */
export class Reserve {
  readonly #path: string;
  readonly #directory: string;
  readonly sizeBytes: number;

  constructor(directory: string, sizeBytes: number) {
    this.#directory = directory;
    this.#path = join(directory, "journal.reserve");
    this.sizeBytes = sizeBytes;
  }

  get isHeld(): boolean {
    try {
      return statSync(this.#path).size >= this.sizeBytes;
    } catch {
      return false;
    }
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize;
  }

  /** Room for ordinary writes: what is free, less what the reserve still wants for itself. */
  hasRoom(): boolean {
    return this.freeBytes() >= this.sizeBytes / 4 + (this.isHeld ? 0 : this.sizeBytes);
  }

  /** Writes the file in full (a sparse one would reserve nothing). @returns whether it is held now */
  take(): boolean {
    if (this.isHeld) return true;
    if (this.freeBytes() < this.sizeBytes * 1.25) return false;
    try {
      const file = openSync(this.#path, "w", 0o600);
      try {
        const chunk = new Uint8Array(CHUNK_BYTES).fill(0x55);
        for (let left = this.sizeBytes; left > 0; ) left -= writeSync(file, chunk, 0, Math.min(left, CHUNK_BYTES));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return true;
    } catch {
      this.giveBack();
      return false;
    }
  }

  /** @returns whether there was something to give back */
  giveBack(): boolean {
    if (!existsSync(this.#path)) return false;
    rmSync(this.#path, { force: true });
    return true;
  }
}

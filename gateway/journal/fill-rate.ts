const BUCKET_MS = 10 * 60_000;
const BUCKETS = 36;
const LEAST_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Pages and keys beside the rows' bytes. */
const FILE_BYTES_A_BYTE = 1.2;

/** How fast records come, over the last six hours of this run. */
export class FillRate {
  readonly #buckets: { readonly fromUpMs: number; bytes: number }[] = [];

  note(upMs: number, bytes: number): void {
    const last = this.#buckets.at(-1);
    if (last !== undefined && upMs < last.fromUpMs + BUCKET_MS) {
      last.bytes += bytes;
      return;
    }
    this.#buckets.push({ fromUpMs: upMs, bytes });
    if (this.#buckets.length > BUCKETS) this.#buckets.shift();
  }

  /** @returns undefined while nobody can tell */
  hoursToFull(upMs: number, roomBytes: number): number | undefined {
    const first = this.#buckets[0];
    if (first === undefined || upMs - first.fromUpMs < LEAST_MS) return undefined;
    const bytes = this.#buckets.reduce((sum, bucket) => sum + bucket.bytes, 0);
    const perHour = (bytes * FILE_BYTES_A_BYTE * HOUR_MS) / (upMs - first.fromUpMs);
    if (perHour <= 0) return undefined;
    return Math.round((Math.max(0, roomBytes) / perHour) * 10) / 10;
  }
}

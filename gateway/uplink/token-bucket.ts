/** What a line has earned and not spent, in bytes. Spending may run into debt, which is earned back before anything else goes. */
export class TokenBucket {
  readonly #bytesPerS: () => number;
  readonly #depthBytes: () => number;
  #bytes: number;
  #atMs = 0;

  constructor(bytesPerS: () => number, depthBytes: () => number) {
    this.#bytesPerS = bytesPerS;
    this.#depthBytes = depthBytes;
    this.#bytes = depthBytes();
  }

  /** @returns 0 when `bytes` may go now, else how long until then; more than the depth is never waited for */
  waitMs(bytes: number, nowMs: number): number {
    this.#earn(nowMs);
    const lacking = Math.min(bytes, this.#depthBytes()) - this.#bytes;
    return lacking <= 0 ? 0 : Math.ceil((lacking * 1000) / this.#bytesPerS());
  }

  /** Less than nothing gives back what was spent too much. */
  spend(bytes: number, nowMs: number): void {
    this.#earn(nowMs);
    this.#bytes = Math.min(this.#depthBytes(), this.#bytes - bytes);
  }

  #earn(nowMs: number): void {
    const earned = (Math.max(0, nowMs - this.#atMs) * this.#bytesPerS()) / 1000;
    this.#atMs = Math.max(this.#atMs, nowMs);
    this.#bytes = Math.min(this.#depthBytes(), this.#bytes + earned);
  }
}

const WINDOW_MS = 20_000;
const LOW_BELOW = 0.5;
const HIGH_ABOVE = 1.5;

/** Pictures a second that really come, beside those that should. */
export class RateWatch {
  #expectFps: number | undefined;
  #runs: { readonly fromMs: number; readonly toMs: number; readonly pictures: number }[] = [];

  /** @param expectFps absent: what the first whole window gave */
  constructor(expectFps: number | undefined) {
    this.#expectFps = expectFps;
  }

  /** Times of arrival, so that a camera that slows its own clock is found too. */
  heard(fromUpMs: number, toUpMs: number, pictures: number): void {
    this.#runs.push({ fromMs: fromUpMs, toMs: toUpMs, pictures });
    while (this.#runs.length > 1 && toUpMs - (this.#runs[0]?.toMs ?? toUpMs) > WINDOW_MS) this.#runs.shift();
    if (this.#isWhole) this.#expectFps ??= this.fps;
  }

  interrupted(): void {
    this.#runs = [];
  }

  get fps(): number | undefined {
    const [first] = this.#runs;
    const last = this.#runs.at(-1);
    if (first === undefined || last === undefined || last.toMs <= first.fromMs) return undefined;
    const pictures = this.#runs.reduce((sum, run) => sum + run.pictures, 0);
    return (pictures * 1000) / (last.toMs - first.fromMs);
  }

  get #isWhole(): boolean {
    const [first] = this.#runs;
    return first !== undefined && (this.#runs.at(-1)?.toMs ?? 0) - first.fromMs >= WINDOW_MS;
  }

  /** Both numbers where they do not fit each other over a whole window. */
  get fault(): { readonly fps: number; readonly expectFps: number } | undefined {
    const { fps } = this;
    const expectFps = this.#expectFps;
    if (fps === undefined || expectFps === undefined || !this.#isWhole) return undefined;
    return fps < expectFps * LOW_BELOW || fps > expectFps * HIGH_ABOVE ? { fps, expectFps } : undefined;
  }
}

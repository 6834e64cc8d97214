import type { FrameSource, SmallFrame } from "../../contracts/vision.ts";

interface Slot {
  frame: SmallFrame;
}

/**
 * The newest small picture of one camera. Three buffers go round: one is being filled, one is the newest, one is with
 * whoever asked last; however slow that is, nothing queues and nothing more is held.
 */
export class LatestFrame implements FrameSource {
  readonly cameraId: string;
  readonly isMobile: boolean;
  #newest: Slot | undefined;
  #given: Slot | undefined;
  #spare: Uint8Array[] = [];
  #waiting: ((frame: SmallFrame) => void) | undefined;
  #skipped = 0;

  constructor(cameraId: string, isMobile: boolean) {
    this.cameraId = cameraId;
    this.isMobile = isMobile;
  }

  get skipped(): number {
    return this.#skipped;
  }

  /** A buffer to fill; what it held is over. */
  buffer(sizeBytes: number): Uint8Array {
    const spare = this.#spare.pop();
    return spare?.length === sizeBytes ? spare : new Uint8Array(sizeBytes);
  }

  put(frame: Omit<SmallFrame, "cameraId">): void {
    const next: Slot = { frame: { cameraId: this.cameraId, ...frame } };
    if (this.#newest !== undefined) {
      this.#skipped += 1;
      this.#free(this.#newest);
    }
    this.#newest = next;
    this.#give();
  }

  next(signal: AbortSignal): Promise<SmallFrame> {
    if (this.#given !== undefined) this.#free(this.#given);
    this.#given = undefined;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting = undefined;
        reject(signal.reason);
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting = (frame) => {
        signal.removeEventListener("abort", abort);
        resolve(frame);
      };
      this.#give();
    });
  }

  #give(): void {
    if (this.#waiting === undefined || this.#newest === undefined) return;
    const give = this.#waiting;
    this.#waiting = undefined;
    this.#given = this.#newest;
    this.#newest = undefined;
    give(this.#given.frame);
  }

  #free({ frame }: Slot): void {
    if (this.#spare.length < 2) this.#spare.push(frame.rgb);
  }
}

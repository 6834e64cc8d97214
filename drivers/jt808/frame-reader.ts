import { DriverError } from "../errors.ts";
import { decodeFrame, type FrameOrFault, LONGEST_ESCAPED_BYTES, MARK } from "./frame.ts";

/**
 * Splits a stream of bytes into frames. Every mark ends what stands before it and begins what comes after it, so a lost
 * mark costs one frame and never the rest. Holds at most one frame.
 */
export class FrameReader {
  readonly #held = new Uint8Array(LONGEST_ESCAPED_BYTES);
  #length = 0;
  #isInside = false;
  #isTooLong = false;

  push(chunk: Uint8Array): FrameOrFault[] {
    const found: FrameOrFault[] = [];
    let from = 0;
    while (from < chunk.length) {
      const mark = chunk.indexOf(MARK, from);
      this.#hold(chunk.subarray(from, mark < 0 ? undefined : mark));
      if (mark < 0) break;
      found.push(...this.#close());
      this.#isInside = true;
      from = mark + 1;
    }
    return found;
  }

  /** No more bytes come. */
  end(): FrameOrFault[] {
    if (this.#length === 0 && !this.#isTooLong) return [];
    const wasInside = this.#isInside;
    this.#clear();
    return [{ fault: wasInside ? cut() : noise() }];
  }

  #hold(bytes: Uint8Array): void {
    if (this.#isTooLong || this.#length + bytes.length > LONGEST_ESCAPED_BYTES) {
      this.#isTooLong = true;
      return;
    }
    this.#held.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #close(): FrameOrFault[] {
    const bytes = this.#held.subarray(0, this.#length);
    const wasTooLong = this.#isTooLong;
    const wasInside = this.#isInside;
    this.#clear();
    if (wasTooLong) return [{ fault: wasInside ? tooLong() : noise() }];
    if (bytes.length === 0) return [];
    return [wasInside ? decodeFrame(bytes) : { fault: noise() }];
  }

  #clear(): void {
    this.#length = 0;
    this.#isTooLong = false;
  }
}

const HINT = "Some frames are lost to a bad link; many say that this terminal does not speak JT/T 808.";

function noise(): DriverError {
  return new DriverError("JT808_NOISE", "bytes came before any frame", { retry: "backoff", hint: HINT });
}

function cut(): DriverError {
  return new DriverError("JT808_CUT", "the bytes end inside a frame", { retry: "backoff", hint: HINT });
}

function tooLong(): DriverError {
  const message = `more than ${LONGEST_ESCAPED_BYTES} bytes between two marks`;
  return new DriverError("JT808_LONG", message, { retry: "backoff", hint: HINT });
}

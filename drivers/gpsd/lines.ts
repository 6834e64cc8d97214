import { DriverError } from "../errors.ts";

export type LineOrFault = { readonly line: string } | { readonly fault: DriverError };

/** gpsd's own limit is 10240 characters; newer ones write more satellites. */
const MAX_LINE_BYTES = 65_536;
const LF = 0x0a;

/** Cuts a stream of bytes into lines. Holds at most one; a longer one is passed over whole and reported once. */
export class LineReader {
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;
  #isTooLong = false;

  push(chunk: Uint8Array): LineOrFault[] {
    const found: LineOrFault[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LF, from);
      this.#hold(chunk.subarray(from, end < 0 ? undefined : end), found);
      if (end < 0) return found;
      this.#take(found);
      from = end + 1;
    }
  }

  /** At the end of a capture: what is left without a line end. */
  end(): LineOrFault[] {
    const found: LineOrFault[] = [];
    this.#take(found);
    return found;
  }

  #hold(piece: Uint8Array, found: LineOrFault[]): void {
    if (this.#isTooLong) return;
    this.#sizeBytes += piece.length;
    if (this.#sizeBytes > MAX_LINE_BYTES) {
      this.#isTooLong = true;
      this.#pieces = [];
      found.push({ fault: tooLong() });
    } else if (piece.length > 0) {
      // A copy: the chunk may be a small part of a large buffer.
      this.#pieces.push(piece.slice());
    }
  }

  #take(found: LineOrFault[]): void {
    const line = this.#isTooLong ? "" : Buffer.concat(this.#pieces).toString("utf8").trim();
    this.#pieces = [];
    this.#sizeBytes = 0;
    this.#isTooLong = false;
    if (line !== "") found.push({ line });
  }
}

function tooLong(): DriverError {
  return new DriverError("GPSD_FRAMING", `a line is longer than ${MAX_LINE_BYTES} bytes`, {
    retry: "backoff",
    hint: "Check that gpsd listens at that address, and nothing else.",
  });
}

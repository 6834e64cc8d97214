import { GatewayError } from "../../contracts/gateway-error.ts";
import { type Box, typeAt, viewOf } from "./box.ts";

/** A fragment is half a second, or one whole picture: far below this even for 4K. */
const MAX_BOX_BYTES = 32 * 1024 * 1024;

/** Cuts a stream into the boxes of its top level. */
export class BoxStream {
  #chunks: Uint8Array[] = [];
  #held = 0;
  #wanted = 8;

  /** @throws GatewayError CAPTURE_STREAM for what is no MP4 */
  *push(chunk: Uint8Array): Generator<Box> {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#wanted) {
      const bytes = this.#joined();
      const sizeBytes = viewOf(bytes).getUint32(0);
      if (sizeBytes < 8 || sizeBytes > MAX_BOX_BYTES || !/^[a-z0-9 ]{4}$/i.test(typeAt(bytes, 4))) {
        throw new GatewayError(
          "CAPTURE_STREAM",
          "ffmpeg wrote what cannot be read: no box of MP4 where one should be",
          {
            hint: "The capture starts again by itself; if it stays, try another version of ffmpeg.",
          },
        );
      }
      this.#wanted = sizeBytes;
      if (bytes.length < sizeBytes) return;
      this.#chunks = [bytes.subarray(sizeBytes)];
      this.#held -= sizeBytes;
      this.#wanted = 8;
      yield { type: typeAt(bytes, 4), bytes: bytes.subarray(0, sizeBytes), content: 8 };
    }
  }

  #joined(): Uint8Array {
    const [only] = this.#chunks;
    if (only !== undefined && this.#chunks.length === 1) return only;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

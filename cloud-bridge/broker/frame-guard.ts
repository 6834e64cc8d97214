/** Why a stream is not MQTT that we take. */
export type FrameFault = "oversized" | "malformed";

/**
 * Reads nothing of MQTT but the length of each packet, so that a packet which is too long is known from its first five
 * bytes, before any of it is kept. Feed it every chunk in order.
 * @source MQTT 3.1.1 §2.2: one byte of type and flags, then 1–4 bytes of length, seven bits each, least significant first
 */
export class FrameGuard {
  limitBytes: number;
  #state: "type" | "length" | "rest" = "type";
  #length = 0;
  #lengthBytes = 0;
  #left = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** @returns the fault that ends the stream, or undefined while it may go on */
  feed(chunk: Uint8Array): FrameFault | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "rest") {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0) this.#state = "type";
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (this.#state === "type") {
        // Type 0 is reserved, and so is 15 in 3.1.1: whoever sends it does not speak MQTT.
        if (byte >> 4 === 0 || byte >> 4 === 15) return "malformed";
        this.#state = "length";
        this.#length = 0;
        this.#lengthBytes = 0;
        continue;
      }
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
      this.#lengthBytes += 1;
      if (1 + this.#lengthBytes + this.#length > this.limitBytes) return "oversized";
      if ((byte & 0x80) !== 0) {
        if (this.#lengthBytes === 4) return "malformed";
        continue;
      }
      this.#left = this.#length;
      this.#state = this.#left === 0 ? "type" : "rest";
    }
    return undefined;
  }
}

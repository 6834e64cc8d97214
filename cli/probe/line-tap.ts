import { openPort } from "../../drivers/bus/bus-registry.ts";
import type { BusPort, BusSettings, ByteLink } from "../../drivers/driver.ts";

/** Keeps what came in on a line beside handing it on: a wrong wiring shows in bytes that are no answer. */
export class LineTap {
  #heard: Uint8Array[] = [];
  #bytes = 0;

  readonly open = async (port: BusPort, settings: BusSettings): Promise<ByteLink> => {
    const link = await openPort(port, settings);
    const keep = (chunk: Uint8Array) => this.#keep(chunk);
    return {
      peer: link.peer,
      write: (bytes) => link.write(bytes),
      async *[Symbol.asyncIterator]() {
        for await (const chunk of link) {
          keep(chunk);
          yield chunk;
        }
      },
      [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
    };
  };

  /** All since it was asked last; of a line that never ends its talk, the first 4 KiB. */
  take(): Uint8Array {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const chunk of this.#heard) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#heard = [];
    this.#bytes = 0;
    return all;
  }

  #keep(chunk: Uint8Array): void {
    if (this.#bytes + chunk.length > 4096) return;
    this.#heard.push(chunk);
    this.#bytes += chunk.length;
  }
}

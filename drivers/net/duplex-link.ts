import type { Duplex } from "node:stream";
import type { ByteLink } from "../driver.ts";
import type { DriverError } from "../errors.ts";

/**
 * A stream of Node's as a link. What nobody reads stays in the stream's own bounded buffer and then with the sender.
 * @param lost makes the error of a link that broke
 * @param release what else must be given back, for a stream whose `destroy` does not
 */
export function duplexLink(
  stream: Duplex,
  peer: string,
  lost: (cause: unknown) => DriverError,
  release: () => Promise<void> = async () => undefined,
): ByteLink {
  let isClosing = false;
  let broken: unknown;
  stream.on("error", (error) => {
    broken ??= error;
  });

  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of stream) yield chunk;
    } catch (error) {
      if (!isClosing) throw lost(error);
    }
    if (broken !== undefined && !isClosing) throw lost(broken);
  }

  return {
    peer,
    async write(bytes) {
      if (stream.destroyed) throw lost(broken);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onClose = () => reject(lost(broken));
      stream.once("close", onClose);
      stream.write(bytes, (error) => {
        stream.off("close", onClose);
        if (error === null || error === undefined) resolve();
        else reject(lost(error));
      });
      return promise;
    },
    [Symbol.asyncIterator]: () => read(),
    async [Symbol.asyncDispose]() {
      isClosing = true;
      await release();
      if (stream.closed) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once("close", () => resolve());
      stream.destroy();
      await promise;
    },
  };
}

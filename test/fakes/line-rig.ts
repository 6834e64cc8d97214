import type { Static, TSchema } from "typebox";
import type { ByteLink, Driver, Reading } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { AsyncQueue } from "../../drivers/net/async-queue.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** One device with a line of its own, in memory and on a virtual clock. */
export function lineRig(clock: VirtualClock, onWrite: (bytes: Uint8Array) => void = () => undefined) {
  const queue = new AsyncQueue<Uint8Array>(10_000);
  const written: Uint8Array[] = [];
  const link: ByteLink = {
    peer: "line",
    async write(bytes) {
      written.push(bytes);
      onWrite(bytes);
    },
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      queue.end();
    },
  };
  const never = () => Promise.reject(new Error("no such link here"));
  return {
    say: (bytes: Uint8Array) => queue.push(bytes),
    /** Pulls the cable. */
    pull: () =>
      queue.end(new DriverError("PORT_LOST", "the cable was pulled", { retry: "backoff", hint: "Plug it in." })),
    written: (): readonly Uint8Array[] => written,
    run<S extends TSchema>(driver: Driver<S>, config: Static<S>) {
      const readings: Reading[] = [];
      const faults: DriverError[] = [];
      const stop = new AbortController();
      let online = 0;
      let ended: unknown;
      const running = driver
        .run(config, {
          signal: stop.signal,
          clock,
          openBus: never,
          openSerial: async () => link,
          openTcp: async () => link,
          openUdp: never,
          listenTcp: never,
          online: () => {
            online++;
          },
          fault: (error) => faults.push(error),
          emit: async (reading) => void readings.push(reading),
          commands: (async function* () {})(),
        })
        .catch((error: unknown) => {
          ended = error;
        });
      return {
        readings,
        faults,
        online: () => online,
        ended: () => ended,
        async stop() {
          stop.abort();
          queue.end();
          await clock.advance(10_000);
          await running;
        },
      };
    },
  };
}

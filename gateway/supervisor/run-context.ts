import type { Clock, DriverContext, Reading } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { Subject } from "../../protocol/ids.ts";
import type { CommandInbox } from "./command-inbox.ts";

/** What reaches the outside: real ports and sockets in the gateway, others in tests. */
export type DeviceLinks = Pick<DriverContext, "openBus" | "openSerial" | "openTcp" | "openUdp" | "listenTcp">;

export interface RunEvents {
  online(subject: Subject | undefined): void;
  fault(error: DriverError, subject: Subject | undefined): void;
  emit(reading: Reading, subject: Subject | undefined): Promise<void>;
}

/**
 * The context of one run of one driver. Once `revoke` was called nothing that the run still does is heard, and whatever
 * it opened and left open is closed.
 */
export class RunContext {
  readonly context: DriverContext;
  readonly #opened = new Set<AsyncDisposable>();
  #opening = 0;
  #isRevoked = false;

  constructor(links: DeviceLinks, clock: Clock, signal: AbortSignal, commands: CommandInbox, events: RunEvents) {
    this.context = {
      signal,
      clock,
      commands,
      openBus: (port, settings) => this.#keep(() => links.openBus(port, settings)),
      openSerial: (path, settings) => this.#keep(() => links.openSerial(path, settings)),
      openTcp: (address) => this.#keep(() => links.openTcp(address)),
      openUdp: (address) => this.#keep(() => links.openUdp(address)),
      listenTcp: (address) => this.#keep(() => links.listenTcp(address)),
      online: (subject) => {
        if (!this.#isRevoked) events.online(subject);
      },
      fault: (error, subject) => {
        if (!this.#isRevoked) events.fault(error, subject);
      },
      emit: async (reading, subject) => {
        if (!this.#isRevoked) await events.emit(reading, subject);
      },
    };
    // A driver that waits on a link hears nothing of an abort; closing the link is what ends its wait.
    signal.addEventListener("abort", () => void this.#closeAll(), { once: true });
  }

  /** Whether the driver waits for a port or a connection just now. */
  get isOpening(): boolean {
    return this.#opening > 0;
  }

  async revoke(): Promise<void> {
    this.#isRevoked = true;
    await this.#closeAll();
  }

  async #keep<T extends AsyncDisposable>(open: () => Promise<T>): Promise<T> {
    const { signal } = this.context;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () =>
      reject(
        new DriverError("DRIVER_ASKED_TO_END", "the gateway asked the driver to end", {
          retry: "backoff",
          hint: "Nothing.",
        }),
      );
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#opening++;
    const opened = open().then(async (link) => {
      if (this.#isRevoked || signal.aborted) await link[Symbol.asyncDispose]();
      else this.#opened.add(link);
      return link;
    });
    try {
      return await Promise.race([opened, aborted]);
    } finally {
      this.#opening--;
      signal.removeEventListener("abort", onAbort);
      opened.catch(() => undefined);
    }
  }

  async #closeAll(): Promise<void> {
    const links = [...this.#opened];
    this.#opened.clear();
    await Promise.allSettled(links.map(async (link) => link[Symbol.asyncDispose]()));
  }
}

import type { BusSettings, ByteLink } from "../driver.ts";
import { openSerialLink } from "../serial/serial-link.ts";
import { listenTcpLinks } from "./tcp-listener.ts";

/** Where a simulated device is found: at the other end of a serial line, or on a TCP port (0: any free one). */
export type SimulatorListen =
  | { readonly serial: string; readonly settings?: BusSettings }
  | { readonly tcp: { readonly host?: string; readonly port?: number } };

export interface SimulatorServer {
  /** The bound TCP port; absent on a serial line. */
  readonly port?: number;
  close(): Promise<void>;
}

/** Serves each connection, or the one serial line, with `serve` until it ends. What a connection does wrong ends only it. */
export async function serveSimulator(
  listen: SimulatorListen,
  serve: (link: ByteLink) => Promise<void>,
): Promise<SimulatorServer> {
  const guarded = async (link: ByteLink) => {
    try {
      await serve(link);
    } catch {
      // The other side broke off: a simulator has nobody to tell.
    } finally {
      await link[Symbol.asyncDispose]();
    }
  };
  if ("serial" in listen) {
    const link = await openSerialLink(listen.serial, listen.settings ?? {});
    const served = guarded(link);
    return {
      async close() {
        await link[Symbol.asyncDispose]();
        await served;
      },
    };
  }
  const listener = await listenTcpLinks({ host: listen.tcp.host ?? "127.0.0.1", port: listen.tcp.port ?? 0 });
  const accepting = (async () => {
    for await (const link of listener) void guarded(link);
  })();
  return {
    port: listener.localPort,
    async close() {
      await listener[Symbol.asyncDispose]();
      await accepting;
    },
  };
}

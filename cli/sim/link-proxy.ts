import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TcpAddress } from "../../drivers/driver.ts";

/** What the link does to bytes: `open` forwards, `cut` resets and refuses, `stalled` keeps connections but moves nothing (half-open). */
export type LinkMode = "open" | "cut" | "stalled";

export interface LinkProxy extends AsyncDisposable {
  readonly port: number;
  readonly mode: LinkMode;
  /** Bytes forwarded so far, node → bridge and bridge → node. */
  readonly bytes: { readonly up: number; readonly down: number };
  set(mode: LinkMode): void;
  close(): Promise<void>;
}

/**
 * A TCP link on loopback that can be cut and stalled while it is used, for machines without root. It neither delays nor
 * drops packets: latency figures come from the TUN relay.
 */
export async function startLinkProxy(options: { readonly to: TcpAddress; readonly port?: number }): Promise<LinkProxy> {
  let mode: LinkMode = "open";
  const bytes = { up: 0, down: 0 };
  const pairs = new Set<readonly [Socket, Socket]>();

  const server = createServer((near) => {
    if (mode === "cut") {
      near.resetAndDestroy();
      return;
    }
    const far = connect(options.to.port, options.to.host);
    const pair = [near, far] as const;
    pairs.add(pair);
    const drop = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) socket.on("error", drop).on("close", drop).setNoDelay(true);
    forward(near, far, (size) => {
      bytes.up += size;
    });
    forward(far, near, (size) => {
      bytes.down += size;
    });
    if (mode === "stalled") for (const socket of pair) socket.pause();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", () => resolve());
  });

  const close = async () => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };

  return {
    port: (server.address() as AddressInfo).port,
    get mode() {
      return mode;
    },
    bytes,
    set(next) {
      mode = next;
      for (const pair of pairs) {
        for (const socket of pair) {
          if (next === "cut") socket.resetAndDestroy();
          else if (next === "stalled") socket.pause();
          else socket.resume();
        }
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function forward(from: Socket, to: Socket, count: (size: number) => void): void {
  from.on("data", (chunk: Uint8Array) => {
    count(chunk.length);
    if (!to.write(chunk)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
}

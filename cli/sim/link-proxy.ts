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
  /** From now on new connections go there; those that stand are reset. */
  route(to: readonly TcpAddress[]): void;
  close(): Promise<void>;
}

/**
 * A TCP link on loopback that can be cut and stalled while it is used, for machines without root. It neither delays nor
 * drops packets: latency figures come from the TUN relay.
 */
export async function startLinkProxy(options: {
  /** Where there are several, by turns; one that refuses is passed by. */
  readonly to: TcpAddress | readonly TcpAddress[];
  readonly port?: number;
}): Promise<LinkProxy> {
  let mode: LinkMode = "open";
  let targets: readonly TcpAddress[] = "host" in options.to ? [options.to] : options.to;
  let turn = 0;
  const bytes = { up: 0, down: 0 };
  const pairs = new Set<readonly [Socket, Socket]>();

  // The mode may change while a connection is made.
  const isCut = () => mode === "cut";
  const server = createServer(async (near) => {
    if (mode === "cut") {
      near.resetAndDestroy();
      return;
    }
    near.pause().on("error", () => near.destroy());
    const far = await reached(targets, turn++);
    if (far === undefined || near.destroyed || isCut()) {
      near.resetAndDestroy();
      far?.destroy();
      return;
    }
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
    else near.resume();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", () => resolve());
  });

  const reset = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };

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
    route(to) {
      targets = to;
      turn = 0;
      reset();
    },
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

/** The first that takes a connection, from this turn on; undefined when none does. */
async function reached(targets: readonly TcpAddress[], turn: number): Promise<Socket | undefined> {
  for (let tried = 0; tried < targets.length; tried += 1) {
    const target = targets[(turn + tried) % targets.length];
    if (target === undefined) continue;
    const socket = connect(target.port, target.host);
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    if (isThere) return socket;
    socket.destroy();
  }
  return undefined;
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

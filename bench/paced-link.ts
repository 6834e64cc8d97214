import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { TcpAddress } from "../drivers/driver.ts";

const SLICE_BYTES = 256;

export interface PacedLinkOptions {
  readonly to: TcpAddress;
  readonly bytesPerS: number;
  /** How long every byte is on its way, beyond what the rate costs. */
  readonly delayMs?: number;
}

/**
 * A TCP line of a fixed rate and delay each way. The sockets around it buffer as a router would, so a sender without a measure
 * of its own fills it. It loses no packet.
 */
export async function startPacedLink(options: PacedLinkOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(options.to.port, options.to.host);
    const drop = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      open.add(socket);
      socket.setNoDelay(true).on("error", drop);
      socket.on("close", () => {
        open.delete(socket);
        drop();
      });
    }
    void pace(near, far, options).catch(drop);
    void pace(far, near, options).catch(drop);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function pace(from: Socket, to: Socket, { bytesPerS, delayMs = 0 }: PacedLinkOptions): Promise<void> {
  let freeAtMs = performance.now();
  for await (const chunk of from as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      const slice = chunk.subarray(at, at + SLICE_BYTES);
      const startMs = Math.max(freeAtMs, performance.now());
      freeAtMs = startMs + (slice.length * 1000) / bytesPerS;
      const pauseMs = freeAtMs - performance.now();
      if (pauseMs > 1) await wait(pauseMs);
      if (delayMs === 0) to.write(slice);
      else setTimeout(() => to.write(slice), delayMs);
    }
  }
  setTimeout(() => to.end(), delayMs);
}

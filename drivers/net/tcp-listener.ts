import { createServer, type Server } from "node:net";
import type { ByteLink, LinkListener, TcpAddress } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { AsyncQueue } from "./async-queue.ts";
import { messageOf, systemCode } from "./system-error.ts";
import { formatTcpAddress } from "./tcp-address.ts";
import { tcpLink } from "./tcp-client.ts";

const MAX_STATIONS = 10_000;
/** Connections that were accepted by the system and not yet taken by the driver. */
const MAX_WAITING = 64;
const KEEP_ALIVE_AFTER_MS = 30_000;

/** Listens for devices that connect to us. @throws DriverError ADDRESS_IN_USE, LISTEN_FAILED */
export async function listenTcpLinks(address: TcpAddress): Promise<LinkListener> {
  const queue = new AsyncQueue<ByteLink>(MAX_WAITING, (link) => void link[Symbol.asyncDispose]());
  const links = new Set<ByteLink>();
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS });
  server.maxConnections = MAX_STATIONS;
  server.on("connection", (socket) => {
    const peer = formatTcpAddress({ host: socket.remoteAddress ?? "unknown", port: socket.remotePort ?? 0 });
    const link = tcpLink(socket, peer);
    links.add(link);
    socket.once("close", () => links.delete(link));
    queue.push(link);
  });
  await listening(server, address);
  server.on("error", (error) => queue.end(listenError(error, address)));
  const bound = server.address();
  return {
    localPort: typeof bound === "object" && bound !== null ? bound.port : address.port,
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      queue.end();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      await Promise.all([...links].map((link) => link[Symbol.asyncDispose]()));
      await promise;
    },
  };
}

async function listening(server: Server, address: TcpAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: unknown) => reject(listenError(error, address));
  server.once("error", onError);
  server.listen({ host: address.host, port: address.port }, resolve);
  await promise;
  server.off("error", onError);
}

function listenError(error: unknown, address: TcpAddress): DriverError {
  const where = formatTcpAddress(address);
  if (systemCode(error) === "EADDRINUSE") {
    return new DriverError("ADDRESS_IN_USE", `${where} is taken by another program`, {
      retry: "backoff",
      hint: `Find it with "ss -ltnp 'sport = :${address.port}'", or choose another port.`,
      cause: error,
    });
  }
  return new DriverError("LISTEN_FAILED", `cannot listen on ${where}: ${messageOf(error)}`, {
    retry: "backoff",
    hint: "Check that the address belongs to this machine; ports below 1024 need a privilege.",
    cause: error,
  });
}

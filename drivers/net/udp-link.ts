import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { DatagramLink, TcpAddress, UdpAddress } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { AsyncQueue } from "./async-queue.ts";
import { messageOf, systemCode } from "./system-error.ts";
import { formatTcpAddress } from "./tcp-address.ts";

/** Datagrams that wait for the driver; beyond them the oldest is dropped. */
const MAX_WAITING = 256;

/** @throws DriverError ADDRESS_IN_USE, DATAGRAM_LOST */
export async function openUdpLink(address: UdpAddress): Promise<DatagramLink> {
  const host = address.local?.host ?? address.remote?.host ?? "";
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  const queue = new AsyncQueue<{ readonly bytes: Uint8Array; readonly from: TcpAddress }>(MAX_WAITING);
  socket.on("message", (bytes, from) => queue.push({ bytes, from: { host: from.address, port: from.port } }));
  await bound(socket, address);
  socket.on("error", (error) => queue.end(datagramError(error)));
  return {
    localPort: socket.address().port,
    async send(bytes, to = address.remote) {
      if (to === undefined) throw datagramError(new Error("no destination is given"));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.send(bytes, to.port, to.host, (error) => (error === null ? resolve() : reject(datagramError(error))));
      return promise;
    },
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      queue.end();
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.close(resolve);
      await promise;
    },
  };
}

async function bound(socket: Socket, address: UdpAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: unknown) => reject(bindError(error, address));
  socket.once("error", onError);
  socket.bind({ port: address.local?.port ?? 0, ...(address.local && { address: address.local.host }) }, resolve);
  await promise;
  socket.off("error", onError);
}

function bindError(error: unknown, { local }: UdpAddress): DriverError {
  if (systemCode(error) !== "EADDRINUSE" || local === undefined) return datagramError(error);
  return new DriverError("ADDRESS_IN_USE", `UDP ${formatTcpAddress(local)} is taken by another program`, {
    retry: "backoff",
    hint: `Find it with "ss -lunp 'sport = :${local.port}'", or choose another port.`,
    cause: error,
  });
}

function datagramError(error: unknown): DriverError {
  return new DriverError("DATAGRAM_LOST", `datagram socket: ${messageOf(error)}`, {
    retry: "backoff",
    hint: "Check the address, and that the network is up.",
    cause: error,
  });
}

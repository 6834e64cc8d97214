import { connect, type Socket } from "node:net";
import type { ByteLink, TcpAddress } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { duplexLink } from "./duplex-link.ts";
import { messageOf, systemCode } from "./system-error.ts";
import { formatTcpAddress } from "./tcp-address.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_AFTER_MS = 15_000;

/** @throws DriverError HOST_NOT_FOUND, CONNECTION_REFUSED, CONNECTION_TIMEOUT, CONNECTION_LOST */
export async function openTcpLink(address: TcpAddress, signal?: AbortSignal): Promise<ByteLink> {
  const peer = formatTcpAddress(address);
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
  await connected(socket, peer, signal);
  return tcpLink(socket, peer);
}

/** A connected socket as a link. */
export function tcpLink(socket: Socket, peer: string): ByteLink {
  return duplexLink(socket, peer, (cause) => {
    const reason = cause === undefined ? "the connection is closed" : messageOf(cause);
    return new DriverError("CONNECTION_LOST", `connection to ${peer} broke: ${reason}`, {
      retry: "backoff",
      hint: "Check the power and the network cable of that device.",
      cause,
    });
  });
}

async function connected(socket: Socket, peer: string, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => socket.destroy(new Error("aborted"));
  const timer = setTimeout(() => socket.destroy(timedOut(peer)), CONNECT_TIMEOUT_MS);
  const onError = (error: unknown) => reject(error instanceof DriverError ? error : connectError(error, peer));
  socket.once("connect", resolve);
  socket.once("error", onError);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    socket.off("error", onError);
    signal?.removeEventListener("abort", onAbort);
    socket.on("error", () => undefined);
  }
}

function timedOut(peer: string): DriverError {
  return new DriverError("CONNECTION_TIMEOUT", `${peer} did not answer within ${CONNECT_TIMEOUT_MS / 1000} s`, {
    retry: "backoff",
    hint: "Check that the address is right, and that no firewall lies between.",
  });
}

function connectError(error: unknown, peer: string): DriverError {
  const code = systemCode(error);
  if (code === "ECONNREFUSED") {
    return new DriverError("CONNECTION_REFUSED", `${peer} refuses connections`, {
      retry: "backoff",
      hint: "The machine is there, but nothing listens on that port. Check the port, and how many clients it allows.",
      cause: error,
    });
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new DriverError("HOST_NOT_FOUND", `no address for ${peer}`, {
      retry: "backoff",
      hint: "Check the name, or give the IP address.",
      cause: error,
    });
  }
  return new DriverError("CONNECTION_LOST", `no connection to ${peer}: ${messageOf(error)}`, {
    retry: "backoff",
    hint: "Check the power and the network cable of that device.",
    cause: error,
  });
}

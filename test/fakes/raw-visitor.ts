import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { onTestFinished } from "vitest";

/** Somebody who sends bytes as they please and never closes by themselves. */
export interface RawVisitor {
  readonly socket: Socket;
  /** What came until now. */
  heard(): string;
}

export async function visitRaw(port: number, bytes = "", isTls = false): Promise<RawVisitor> {
  const to = { host: "127.0.0.1", port, allowHalfOpen: true };
  const socket = isTls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {});
  await once(socket, isTls ? "secureConnect" : "connect");
  if (bytes !== "") socket.write(bytes, "latin1");
  return { socket, heard: () => text };
}

/** Asks for an odd target. @returns the status of the answer; 0: the connection was closed without one */
export async function statusOf(port: number, target: string, more: readonly string[] = [], isTls = false) {
  const head = [`GET ${target} HTTP/1.1`, "host: box", ...more, "", ""].join("\r\n");
  const { socket, heard } = await visitRaw(port, head, isTls);
  const gone = once(socket, "close");
  while (!heard().includes("\r\n\r\n") && !socket.readableEnded && !socket.destroyed) {
    await Promise.race([once(socket, "data"), once(socket, "end"), gone]);
  }
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(heard())?.[1] ?? 0);
}

/** What no browser asks for. */
export const ODD_TARGETS = [
  ...["//", "///", "/\\", "http://", "http://[", "http://%/", "http:", "%", "/%", "/%zz", "/%ff", "x", "?", "#"],
  ...["http://elsewhere.example/none", "//elsewhere.example/none", `/${"a".repeat(4000)}`, `/${"a".repeat(20_000)}`],
];
export const UPGRADE = ["connection: Upgrade", "upgrade: websocket"];

import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import process from "node:process";
import { type LineShape, PacedLine } from "./line-shape.ts";
import { removeNamespaces } from "./network-namespaces.ts";

/** What the relay is told, and what it answers with. */
export interface RelayOrder {
  readonly shape?: LineShape;
  /** Nothing passes, in either direction, and nobody is told. */
  readonly isCut?: boolean;
  /** Answered by a RelayReport. */
  readonly report?: true;
}
export interface RelayReport {
  readonly ready?: true;
  /** Bytes of IP packets that came from the near side, and from the far side; lost ones included. */
  readonly upBytes: number;
  readonly downBytes: number;
  readonly lostPackets: number;
}

export const RELAY_PORT = 4000;

interface End {
  readonly host: string;
  readonly peer: string;
}

/** Program of its own: carries datagrams between two addresses as a bad line would, and clears everything when its parent is gone. */
async function relay([near, far]: readonly [End, End], shape: LineShape, namespaces: readonly string[]): Promise<void> {
  const lines = { up: new PacedLine(shape), down: new PacedLine(shape) };
  const counts = { upBytes: 0, downBytes: 0, lostPackets: 0 };
  let isCut = false;
  const sockets = { near: createSocket("udp4"), far: createSocket("udp4") };
  const carry = (packet: Uint8Array, line: PacedLine, give: (packet: Uint8Array) => void) => {
    const nowMs = performance.now();
    const arrivesAtMs = isCut ? undefined : line.carry(packet.length, nowMs);
    if (arrivesAtMs === undefined) counts.lostPackets += 1;
    else setTimeout(() => (isCut ? undefined : give(packet)), arrivesAtMs - nowMs);
  };
  sockets.near.on("message", (packet) => {
    counts.upBytes += packet.length;
    carry(packet, lines.up, (late) => sockets.far.send(late, RELAY_PORT, far.peer));
  });
  sockets.far.on("message", (packet) => {
    counts.downBytes += packet.length;
    carry(packet, lines.down, (late) => sockets.near.send(late, RELAY_PORT, near.peer));
  });
  // An end that is not there yet is no fault of the relay's.
  for (const socket of Object.values(sockets)) socket.on("error", () => undefined);
  await Promise.all([
    new Promise<void>((done) => sockets.near.bind(RELAY_PORT, near.host, done)),
    new Promise<void>((done) => sockets.far.bind(RELAY_PORT, far.host, done)),
  ]);
  process.on("message", (order: RelayOrder) => {
    if (order.shape !== undefined) for (const line of Object.values(lines)) line.shape = order.shape;
    isCut = order.isCut ?? isCut;
    if (order.report) process.send?.(counts satisfies RelayReport);
  });
  // Ctrl-C reaches the whole group: the parent decides when the line ends.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.once("disconnect", () => {
    removeNamespaces(namespaces, (command, args) => spawnSync(command, args, { encoding: "utf8" }).stdout);
    process.exit(0);
  });
  process.send?.({ ...counts, ready: true } satisfies RelayReport);
}

if (process.argv[1] === import.meta.filename) {
  const [ends, shape, namespaces] = JSON.parse(process.argv[2] ?? "[]") as [[End, End], LineShape, string[]];
  await relay(ends, shape, namespaces);
}

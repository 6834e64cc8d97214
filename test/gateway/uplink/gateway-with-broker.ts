import { type AddressInfo, createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { onTestFinished } from "vitest";
import type { CustodyJournal } from "../../../gateway/contracts/journal.ts";
import type { Logger } from "../../../gateway/contracts/logger.ts";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { Uplink, type UplinkOptions } from "../../../gateway/uplink/uplink.ts";
import { position, temporaryDirectory } from "../journal/sample-records.ts";

export const SOON = { timeout: 10_000, interval: 20 };

interface Line {
  readonly code?: string;
  readonly sentence: string;
}

function recordingLog(lines: Line[]): Logger {
  const take = (fields: object, sentence: string) => void lines.push({ ...fields, sentence });
  const log: Logger = { debug: take, info: take, warn: take, error: take, fatal: take, child: () => log };
  return log;
}

export async function gateway(url: string, more: Partial<UplinkOptions> = {}, directory = temporaryDirectory()) {
  const start = performance.now();
  const upMs = () => performance.now() - start;
  const stamp = () => ({ upMs: Math.floor(upMs()), atMs: Date.now(), timeQuality: "ntp" as const });
  const journal = await openJournal({ directory, stamp, groupMs: 5, reserveBytes: 65_536 });
  const lines: Line[] = [];
  const uplink = await Uplink.start({
    node: "site-042",
    version: "test",
    url,
    topicPrefix: "shao",
    journal,
    stamp,
    upMs,
    log: recordingLog(lines),
    onCommand: () => {},
    ...more,
  });
  const stop = async () => {
    await uplink.close();
    await journal.close();
  };
  onTestFinished(stop);
  return { uplink, journal, lines, run: journal.restored.run, stop, directory };
}

/** @param at its port; any where left out */
export async function aedes(at = 0): Promise<{ url: string; port: number; broker: Aedes; stop(): Promise<void> }> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
  };
  onTestFinished(stop);
  return { url: `mqtt://127.0.0.1:${port}`, port, broker, stop };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export async function write(journal: CustodyJournal, count: number): Promise<void> {
  await journal.write({ append: Array.from({ length: count }, () => position()) }, "grouped");
}

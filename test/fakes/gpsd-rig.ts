import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { openSerialLink } from "../../drivers/serial/serial-link.ts";
import { stopped } from "./rigs.ts";

/** Debian's gpsd on loopback with this receiver, which may be a pseudo terminal. */
export async function startGpsd(port: number, receiver: string) {
  const control = `${receiver}.control`;
  const child = spawn("gpsd", ["-N", "-n", "-S", String(port), "-F", control, receiver], { stdio: "ignore" });
  await answers(port);
  const tell = (word: string) =>
    spawnSync("gpsdctl", [word, receiver], { env: { ...process.env, GPSD_SOCKET: control } }).status;
  return {
    /** What udev does when a receiver is plugged in. */
    add: () => tell("add"),
    /** What udev does when it is unplugged: of a pseudo terminal that is gone gpsd notices nothing itself. */
    remove: () => tell("remove"),
    stop: () => stopped(child),
  };
}

/** gpsd as gpsfake runs it, replaying a receiver's log over and over. */
export async function startGpsfake(port: number, log: string): Promise<{ stop(): Promise<void> }> {
  const child = spawn("gpsfake", ["-c", "0.02", "-q", "-S", "-P", String(port), log], {
    stdio: "ignore",
    detached: true,
  });
  await answers(port);
  return {
    async stop() {
      // Its gpsd is a child of it, in the group that it leads.
      const { pid } = child;
      if (pid !== undefined) process.kill(-pid, "SIGTERM");
      await wait(300);
      await stopped(child);
    },
  };
}

/** Writes a receiver's sentences to its end of a serial line, over and over, until stopped. */
export function feed(devicePath: string, log: string): { stop(): Promise<void> } {
  const ended = new AbortController();
  const lines = readFileSync(log, "latin1")
    .split("\n")
    .filter((line) => line.startsWith("$"))
    .map((line) => Buffer.from(`${line.trim()}\r\n`));
  const feeding = (async () => {
    await using link = await openSerialLink(devicePath, { baudRate: 9600 });
    while (!ended.signal.aborted) {
      for (const line of lines) {
        if (ended.signal.aborted) return;
        await link.write(line);
        await wait(15);
      }
    }
  })().catch(() => undefined);
  return {
    async stop() {
      ended.abort();
      await feeding;
    },
  };
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    const isUp = await promise;
    socket.destroy();
    if (isUp) return;
    await wait(50);
  }
  throw new Error(`no gpsd on port ${port}`);
}

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { DriverError } from "../../drivers/errors.ts";

const APPEAR_WITHIN_MS = 5_000;

export interface PtyPair {
  /** The end for the program under test. */
  readonly path: string;
  /** The end of the simulated device. */
  readonly devicePath: string;
  /** Pulls the cable: both ends vanish. */
  close(): Promise<void>;
}

/** Two serial ports joined by a line (socat). @throws DriverError RIG_MISSING */
export async function openPtyPair(path: string): Promise<PtyPair> {
  const devicePath = `${path}.device`;
  for (const old of [path, devicePath]) rmSync(old, { force: true });
  const socat = spawn("socat", [`pty,raw,echo=0,link=${path}`, `pty,raw,echo=0,link=${devicePath}`], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => {
    socat.once("exit", () => resolve());
    socat.once("error", () => resolve());
  });
  if (!(await appeared(socat, [path, devicePath]))) {
    socat.kill();
    throw new DriverError("RIG_MISSING", `no serial line at ${path}: socat did not make it`, {
      retry: "never",
      hint: 'Install it ("apt install socat"), and check that the folder of the path exists.',
    });
  }
  return {
    path,
    devicePath,
    async close() {
      socat.kill();
      await ended;
    },
  };
}

async function appeared(socat: ChildProcess, paths: readonly string[]): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < APPEAR_WITHIN_MS; waitedMs += 20) {
    if (paths.every((path) => existsSync(path))) return true;
    if (socat.exitCode !== null || socat.pid === undefined) return false;
    await wait(20);
  }
  return false;
}

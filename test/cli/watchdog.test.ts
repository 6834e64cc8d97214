import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { freezableDisk } from "../fakes/frozen-disk.ts";
import { NotifySocket } from "../fakes/notify-socket.ts";
import { freePort, needRigs, scratchFolder, startPymodbus } from "../fakes/rigs.ts";

const SOON = { timeout: 15_000, interval: 50 };
const WATCHDOG_MS = 1200;

let socket: NotifySocket;
const ends: (() => Promise<void> | void)[] = [];

beforeEach(async (context) => {
  needRigs(context, "pymodbus");
  socket = await NotifySocket.start();
  ends.push(() => socket.stop());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function start(...words: readonly string[]): ChildProcess {
  const env = { ...process.env, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(WATCHDOG_MS * 1000) };
  const child = spawn("scripts/shao", words, { env, stdio: ["ignore", "ignore", "pipe"] });
  ends.push(() => void child.kill("SIGKILL"));
  return child;
}

async function startGateway(state: string): Promise<ChildProcess> {
  const folder = scratchFolder();
  const port = await freePort();
  const slave = startPymodbus("tcp", String(port));
  ends.push(folder.remove, () => slave.stop());
  const config = join(folder.path, "gateway.yaml");
  writeFileSync(
    config,
    `node: site-042
site: { name: Guanghua Road block 7, timeZone: Asia/Shanghai }
bridge: { url: "mqtts://127.0.0.1:1" }
state: ${state}
buses: { rs485: { tcp: "127.0.0.1:${port}", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 1000 }
rules: {}
`,
  );
  return start("gateway", "--config", config, "--log-level", "warn");
}

test("a gateway tells the service manager, from its own process, when it is ready, how it stands and that it ends", async () => {
  const folder = scratchFolder();
  ends.push(folder.remove);
  const child = await startGateway(folder.path);
  await vi.waitFor(() => expect(socket.count("WATCHDOG=1")).toBeGreaterThan(3), SOON);
  await vi.waitFor(
    () => expect(socket.notices.at(-1)?.text).toMatch(/STATUS=1 of 1 devices online, not connected, \d+ records wait/),
    SOON,
  );
  expect(new Set(socket.notices.map(({ pid }) => pid))).toEqual(new Set([child.pid]));
  child.kill("SIGTERM");
  await once(child, "exit");
  expect([socket.count("READY=1"), socket.count("STOPPING=1")]).toEqual([1, 1]);
});

test("a journal whose disk hangs stops the beats though the process runs, and they come back with the disk", async (context) => {
  const disk = freezableDisk(context);
  ends.push(() => disk.remove());
  const child = await startGateway(disk.directory);
  await vi.waitFor(() => expect(socket.notices.at(-1)?.text).toContain("1 of 1 devices online"), SOON);
  disk.freeze();
  await vi.waitFor(() => expect(socket.notices.at(-1)?.text).toMatch(/^STATUS=no progress/), SOON);
  const before = socket.count("WATCHDOG=1");
  // The next four times that a beat was due: more than a manager waits.
  const withheld = () => socket.notices.filter(({ text }) => text.startsWith("STATUS=no progress")).length;
  await vi.waitFor(() => expect(withheld()).toBeGreaterThan(4), SOON);
  expect(socket.count("WATCHDOG=1")).toBe(before);
  expect(child.exitCode).toBeNull();
  disk.thaw();
  await vi.waitFor(() => expect(socket.count("WATCHDOG=1")).toBeGreaterThan(before), SOON);
});

test("a bridge tells the service manager the same", async () => {
  const folder = scratchFolder();
  ends.push(folder.remove);
  const config = join(folder.path, "bridge.yaml");
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, mqtt: 0, http: 0 }\nstate: ${folder.path}/state\ninsecureLoopback: true\ntimeZone: Asia/Shanghai\n`,
  );
  const child = start("bridge", "--config", config);
  await vi.waitFor(() => expect(socket.notices.at(-1)?.text).toBe("WATCHDOG=1\nSTATUS=0 nodes connected"), SOON);
  child.kill("SIGTERM");
  await once(child, "exit");
  expect([socket.count("READY=1"), socket.count("STOPPING=1")]).toEqual([1, 1]);
});

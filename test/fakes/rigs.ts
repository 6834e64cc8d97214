import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "../../cli/sim/free-port.ts";
import { openUdpLink } from "../../drivers/net/udp-link.ts";

/** What a missing rig needs; a loud skip here, a failure in CI. */
interface Skippable {
  skip(reason: string): void;
}

/** How to see whether Python reaches them; mbpoll brings libmodbus with it. */
const PYTHON_PROBES: Readonly<Record<string, string>> = {
  pymodbus: "import pymodbus",
  numpy: "import numpy",
  libmodbus: "import ctypes; ctypes.CDLL('libmodbus.so.5')",
  "gst-rtsp-server":
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer, Gst; Gst.init(None); assert Gst.ElementFactory.find('h264parse')",
};

type Rig =
  | "curl"
  | "jq"
  | "ffmpeg"
  | "gst-rtsp-server"
  | "socat"
  | "mbpoll"
  | "pymodbus"
  | "libmodbus"
  | "numpy"
  | "gpsd"
  | "gpsfake"
  | "gpspipe";

export function hasRig(command: Rig): boolean {
  const python = PYTHON_PROBES[command];
  const probe = python === undefined ? spawnSync("which", [command]) : spawnSync("/usr/bin/python3", ["-c", python]);
  return probe.status === 0;
}

/** Goes on only where all these commands are there. */
export function needRigs(context: Skippable, ...commands: readonly Rig[]): void {
  for (const command of commands) {
    if (hasRig(command)) continue;
    const reason = `${command} is missing: scripts/setup --test installs it`;
    if (process.env["CI"] !== undefined) throw new Error(reason);
    context.skip(reason);
  }
}

/** A folder of its own that goes with the test. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "shao-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(kind: "tcp" | "udp" = "tcp"): Promise<number> {
  if (kind === "udp") {
    const link = await openUdpLink({ local: { host: "127.0.0.1", port: 0 } });
    await link[Symbol.asyncDispose]();
    return link.localPort;
  }
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("no port");
  return port;
}

const SLAVE = `
import asyncio, sys
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
regs = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [0] + [536 + i for i in range(100)]), zero_mode=False)
ctx = ModbusServerContext(slaves={1: regs}, single=False)
kind, where = sys.argv[1], sys.argv[2]
if kind == "serial":
    asyncio.run(StartAsyncSerialServer(context=ctx, framer=ModbusRtuFramer, port=where, baudrate=9600, timeout=0.05))
else:
    framer = ModbusRtuFramer if kind == "rtu" else ModbusSocketFramer
    asyncio.run(StartAsyncTcpServer(context=ctx, framer=framer, address=("127.0.0.1", int(where))))
`;

/** pymodbus as a slave: unit 1, holding registers 0 to 99 hold 536 + n. `launcher` may start it somewhere else. */
export function startPymodbus(
  kind: "serial" | "tcp" | "rtu",
  where: string,
  launcher: readonly string[] = [],
): { stop(): Promise<void> } {
  const [program = "", ...words] = [...launcher, "/usr/bin/python3", "-c", SLAVE, kind, where];
  const child = spawn(program, words, { stdio: "ignore" });
  return { stop: () => stopped(child) };
}

const LIBMODBUS_SLAVE = `
import ctypes, sys
class Mapping(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in (
        "nb_bits", "start_bits", "nb_input_bits", "start_input_bits",
        "nb_input_registers", "start_input_registers", "nb_registers", "start_registers")] + [
        ("tab_bits", ctypes.c_void_p), ("tab_input_bits", ctypes.c_void_p),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)), ("tab_registers", ctypes.POINTER(ctypes.c_uint16))]
lib = ctypes.CDLL("libmodbus.so.5")
lib.modbus_new_rtu.restype = ctypes.c_void_p
lib.modbus_mapping_new.restype = ctypes.POINTER(Mapping)
path, unit, given = sys.argv[1].encode(), int(sys.argv[2]), [pair.split("=") for pair in sys.argv[3].split(",")]
line = ctypes.c_void_p(lib.modbus_new_rtu(path, 9600, ctypes.c_char(b"N"), 8, 1))
lib.modbus_set_slave(line, unit)
mapping = lib.modbus_mapping_new(0, 0, 600, 600)
for address, value in given:
    mapping.contents.tab_registers[int(address)] = int(value)
    mapping.contents.tab_input_registers[int(address)] = int(value)
if lib.modbus_connect(line) != 0: sys.exit("no line")
query = (ctypes.c_uint8 * 260)()
while True:
    length = lib.modbus_receive(line, query)
    if length > 0: lib.modbus_reply(line, query, length, mapping)
`;

/** libmodbus as a slave on a serial line: holding and input registers as given, 0 elsewhere up to 599. */
export function startLibmodbus(
  path: string,
  unit: number,
  registers: Readonly<Record<number, number>>,
): { stop(): Promise<void> } {
  const given = Object.entries(registers).map(([address, value]) => `${address}=${value}`);
  const child = spawn("/usr/bin/python3", ["-c", LIBMODBUS_SLAVE, path, String(unit), given.join(",")], {
    stdio: "ignore",
  });
  return { stop: () => stopped(child) };
}

/** Ends a child by its own id and waits until it is gone. */
export async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.kill("SIGKILL");
  await promise;
}

/** Waits, in real time, until it is so. */
export async function until(isSo: () => boolean, withinMs = 8000): Promise<void> {
  const startMs = performance.now();
  while (!isSo()) {
    if (performance.now() - startMs > withinMs) throw new Error(`not so within ${withinMs} ms: ${isSo}`);
    await wait(10);
  }
}

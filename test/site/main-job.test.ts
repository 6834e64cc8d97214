import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { ApiClient } from "../../cli/sim/api-client.ts";
import type { Child } from "../../cli/sim/child.ts";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import { openPtyPair } from "../../cli/sim/pty-pair.ts";
import type { Assignment, CaseDetail, CaseView, CrewAct } from "../../cloud-bridge/api/schema/desk.ts";
import type { NodeAccounting } from "../../cloud-bridge/api/schema/fleet.ts";
import { needRigs, scratchFolder, stopped } from "../fakes/rigs.ts";

/** Where the recorded receiver stood (gpsd's log of a CH-4711, Moscow 2009); the site is some 50 m from there. */
const RECORDED = new URL("../traces/gps-nmea/ch-4711.nmea", import.meta.url);
const SITE = { name: "Main job", timeZone: "Europe/Moscow", latitudeDeg: 55.7175, longitudeDeg: 37.4125 };
const LOUD = 850;
const QUIET = 480;

/** pymodbus on a serial line: holding register 0 holds what the file says, anew each 100 ms. */
const METER = `
import asyncio, sys
from pymodbus.server import StartAsyncSerialServer
from pymodbus.transaction import ModbusRtuFramer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
regs = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [0] * 10), zero_mode=False)
async def follow():
    while True:
        try: regs.setValues(3, 0, [int(open(sys.argv[2]).read())])
        except ValueError: pass
        await asyncio.sleep(0.1)
async def main():
    task = asyncio.create_task(follow())
    ctx = ModbusServerContext(slaves={1: regs}, single=False)
    await StartAsyncSerialServer(context=ctx, framer=ModbusRtuFramer, port=sys.argv[1], baudrate=9600, timeout=0.05)
asyncio.run(main())
`;

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

test("bytes of a slave and a receiver that nobody here wrote become a crew's case that the meter itself closes", {
  timeout: 150_000,
}, async (context) => {
  needRigs(context, "socat", "pymodbus");
  const folder = scratchFolder();
  ending.push(() => folder.remove());
  const levelFile = join(folder.path, "level");
  writeFileSync(levelFile, String(LOUD));
  const line = await openPtyPair(join(folder.path, "rs485"));
  ending.push(() => line.close());
  const meter: ChildProcess = spawn("/usr/bin/python3", ["-c", METER, line.devicePath, levelFile], { stdio: "ignore" });
  ending.push(() => stopped(meter));
  const receiver = await replayReceiver();
  ending.push(() => receiver.close());

  const { system, adminToken } = await LocalSystem.create({
    directory: join(folder.path, "state"),
    bridgeConfig: { dispatch: { policy: "auto" } },
  });
  const bridge = await system.startBridge(["--time-scale", "60", "--log-level", "warn"]);
  ending.push(() => bridge.stop());
  const admin = await system.signIn(adminToken);
  const nowMs = Date.now();
  await admin.call("POST", "/api/v1/units", { id: "street", name: "Street", level: "street" });
  await admin.call("POST", "/api/v1/crews", { id: "crew-1", name: "Crew 1", unitId: "street", vehicleNode: "car-01" });
  await admin.call("POST", "/api/v1/rosters", { crewId: "crew-1", fromMs: nowMs - 60_000, toMs: nowMs + 3_600_000 });
  const crew = await system.signIn(await system.addAccount("Crew 1", "crew", "crew-1"));
  const assigned = assignmentOf(crew);

  system.writeNodeConfig("car-01", {
    timeZone: "Europe/Moscow",
    devices: { gps: { driver: "gps-nmea", tcp: `127.0.0.1:${receiver.port}` } },
    position: { standingEveryMs: 2000 },
  });
  system.writeNodeConfig("site-01", {
    site: SITE,
    buses: { rs485: { serial: line.path, baudRate: 9600 } },
    devices: { "noise-01": { driver: "modbus-noise", bus: "rs485", unit: 1, profile: "sonbest-sm7901b" } },
    rules: { night: { kind: "trigger", device: "noise-01", byDay: true, clearWindowS: 12, clearMinValidS: 10 } },
    // The slave's register stands still, and a slow machine gives it the time to be found stuck.
    levelWatch: { enabled: false },
  });
  for (const node of ["car-01", "site-01"]) await system.pair(admin, node);
  const nodes: Child[] = ["car-01", "site-01"].map((node) => system.startNode(node, ["--log-level", "warn"]));
  for (const node of nodes) ending.push(() => node.stop());

  const assignment = await assigned;
  const act = (name: CrewAct["act"]) =>
    crew.call(
      "POST",
      `/api/v1/assignments/${assignment.id}/acts`,
      { act: name, deviceTimeMs: Date.now() },
      { "idempotency-key": randomUUID() },
    );
  await act("acknowledge");
  await act("en-route");
  const seen = await theCase(admin, ({ assignment: leg }) => leg?.onSceneBy?.includes("gps") === true);
  expect(seen.siteName).toBe("Main job");
  await act("resolved");
  writeFileSync(levelFile, String(QUIET));
  const closed = await theCase(admin, ({ state }) => state === "closed");

  const detail = (await admin.call("GET", `/api/v1/cases/${closed.id}`)) as CaseDetail;
  const [alarm] = detail.alarms;
  expect(alarm?.body).toMatchObject({ phase: "cleared", clearReason: "quiet", estimated: true, peak: { value: 85 } });
  expect(detail.timeline.at(-1)).toMatchObject({ channel: "sensor" });
  for (const node of ["car-01", "site-01"]) {
    const account = (await admin.call("GET", `/api/v1/nodes/${node}/accounting`)) as NodeAccounting;
    expect(account.total).toMatchObject({ unexplained: 0, quarantined: 0, declared: 0 });
    expect(account.total.stored).toBeGreaterThan(3);
  }
});

/** A receiver behind a serial server: the recorded bytes, line by line, over and over. */
async function replayReceiver(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const lines = readFileSync(RECORDED, "latin1")
    .split("\n")
    .filter((text) => text.startsWith("$"));
  const server = createServer((socket) => {
    let next = 0;
    const sending = setInterval(() => socket.write(`${lines[next++ % lines.length]}\r\n`, "latin1"), 100);
    socket.on("error", () => {}).on("close", () => clearInterval(sending));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The crew's first assignment, as its phone hears of it. */
function assignmentOf(crew: ApiClient): Promise<Assignment> {
  const stop = new AbortController();
  ending.push(() => stop.abort());
  return new Promise((resolve) => {
    void crew.events(stop.signal, ({ name, data }) => {
      const { assignment } = data as { assignment?: Assignment };
      if (name === "assignment" && assignment?.state === "assigned") resolve(assignment);
    });
  });
}

async function theCase(admin: ApiClient, isSo: (view: CaseView) => boolean): Promise<CaseView> {
  for (;;) {
    const { items } = (await admin.call("GET", "/api/v1/cases?limit=100")) as { items: readonly CaseView[] };
    const found = items.find((view) => view.family === "noise");
    if (found !== undefined && isSo(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

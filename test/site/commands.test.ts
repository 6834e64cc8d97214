import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test, vi } from "vitest";
import type { CommandView } from "../../cloud-bridge/api/schema/commands.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { startGateway } from "../../gateway/main.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { freePort, needRigs, stopped } from "../fakes/rigs.ts";
import { signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const SOON = { timeout: 30_000, interval: 100 };
const SECRET = "wb40-secret";

const SLAVE = `
import asyncio, sys
from pymodbus.server import StartAsyncTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
block = lambda values: ModbusSequentialDataBlock(0, values)
regs = ModbusSlaveContext(hr=block([536] * 16), co=block([0] * 16), di=block([0] * 16), zero_mode=True)
asyncio.run(StartAsyncTcpServer(context=ModbusServerContext(slaves={1: regs}, single=False), address=("127.0.0.1", int(sys.argv[1]))))
`;

/** Reads one coil with a master that we did not write. */
function coil(port: number, address: number): Promise<string> {
  const words = ["-m", "tcp", "-a", "1", "-p", String(port), "-t", "0", "-r", String(address + 1), "-1", "127.0.0.1"];
  const child = spawn("mbpoll", words);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  return new Promise((resolve) => child.on("exit", () => resolve(/\]:\s+(\d)/.exec(text)?.[1] ?? text)));
}

test("what an operator orders is kept for a box that is away, done once by real devices, and told with its proof", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "pymodbus", "mbpoll");
  const [port, stationsPort] = [await freePort(), await freePort()];
  const slave = spawn("/usr/bin/python3", ["-c", SLAVE, String(port)], { stdio: "ignore" });
  onTestFinished(() => stopped(slave));
  const bridge = await startTestBridge();
  onTestFinished(() => bridge.close());
  const operator = await signInBy(bridge, bridge.adminLink ?? "");
  const offered = await operator.post("/api/v1/nodes", { node: "site-042" });
  const state = mkdtempSync(join(tmpdir(), "shao-commands-"));
  writeIdentity(state, await enroll(bridge.url, (offered.json as { token: string }).token));

  const order = async (kind: string, args?: object, key: string = randomUUID()) =>
    (await operator.post("/api/v1/nodes/site-042/commands", { kind, args }, { "idempotency-key": key }))
      .json as CommandView;
  const find = async (id: string) => (await operator.ask(`/api/v1/nodes/site-042/commands/${id}`)).json as CommandView;
  const ended = async ({ id }: CommandView) =>
    vi.waitFor(async () => {
      const now = await find(id);
      expect(now.state).toMatch(/done|refused/);
      return now;
    }, SOON);

  // The box is away: the order is kept, and a repeated request is the same order.
  const siren = { device: "board", output: "siren", on: true, forS: 600 };
  const waiting = await order("relay", siren, "the-very-same-key");
  expect(waiting).toMatchObject({ state: "waiting", node: "site-042", issuedBy: "admin" });
  expect(await order("relay", siren, "the-very-same-key")).toMatchObject({ id: waiting.id });
  const reused = await operator.post(
    "/api/v1/nodes/site-042/commands",
    { kind: "restart" },
    { "idempotency-key": "the-very-same-key" },
  );
  expect(reused.json).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  const unknown = await operator.post(
    "/api/v1/nodes/nobody/commands",
    { kind: "restart" },
    { "idempotency-key": "k".repeat(8) },
  );
  expect(unknown.status).toBe(404);

  const text = `
node: site-042
bridge: { url: "${bridge.mqttUrl}" }
state: ${JSON.stringify(state)}
buses: { io: { tcp: "127.0.0.1:${port}", framing: tcp } }
devices:
  board: { driver: modbus-io, bus: io, unit: 1, outputs: { siren: { coil: 3 } }, periodMs: 300, timeoutMs: 200 }
  stations: { driver: hj212, listen: "127.0.0.1:${stationsPort}", stations: { "010000A8900016F000169DC0": { name: gate, password: "${SECRET}" } } }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const log = new QuietLog();
  const gateway = await startGateway({ config: checked.config, version: "test", log });
  onTestFinished(() => gateway.stop());

  // Kept over the absence, done by a slave that we did not write, read back by the driver and by another master.
  expect(await ended(waiting)).toMatchObject({
    state: "done",
    result: { ok: true, value: { output: "siren", on: true } },
  });
  expect(await coil(port, 3)).toBe("1");
  expect(await ended(await order("relay", { ...siren, on: false, forS: undefined }))).toMatchObject({ state: "done" });
  expect(await coil(port, 3)).toBe("0");
  expect(await ended(await order("relay", { device: "board", output: "lamp", on: true }))).toMatchObject({
    state: "refused",
    result: { code: "IO_COMMAND_INVALID" },
  });

  // What the box cannot do it refuses by name.
  expect(await ended(await order("snapshot", { device: "gate" }))).toMatchObject({ result: { code: "CAMERA_NONE" } });
  expect(await ended(await order("update"))).toMatchObject({ result: { code: "COMMAND_UNSUPPORTED" } });

  // One device says what passes over its bus; the others do not.
  await ended(await order("log-level", { device: "board", level: "debug", forS: 60 }));
  await vi.waitFor(() => {
    const exchanges = log.lines.filter(({ sentence }) => sentence === "exchange");
    expect(exchanges.length).toBeGreaterThan(0);
    expect(exchanges.every(({ fields }) => JSON.stringify(fields).includes("read-coils"))).toBe(true);
  }, SOON);

  // The bundle comes as a file, and opens no door.
  const bundle = await ended(await order("diagnostics"));
  const { evidenceId = "", name = "" } = (bundle.result?.value ?? {}) as { evidenceId?: string; name?: string };
  const archive = await vi.waitFor(async () => {
    const part = await operator.ask(`/api/v1/evidence/${evidenceId}/parts/${name}`);
    expect(part.status).toBe(200);
    return part.bytes;
  }, SOON);
  const content = gunzipSync(archive).toString("latin1");
  for (const file of ["system.json", "config.json", "health.json", "metrics.txt", "log.jsonl"]) {
    expect(content).toContain(file);
  }
  expect(content).toContain("010000A8900016F000169DC0");
  expect(content).not.toContain(SECRET);
  expect(content).not.toContain("PRIVATE KEY");

  const { items } = (await operator.ask("/api/v1/nodes/site-042/commands?limit=3")).json as { items: CommandView[] };
  expect(items[0]).toMatchObject({ kind: "diagnostics", state: "done" });
  const audited = await bridge.store.db.selectFrom("audit").selectAll().where("action", "like", "command.%").execute();
  expect(audited.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["command.relay", "command.diagnostics", "command.result"]),
  );
  expect(audited.find(({ action }) => action === "command.result")?.actor).toBe("node:site-042");
});

import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Aedes } from "aedes";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { commandKeyId } from "../../cloud-bridge/fleet/authority.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import type { GatewayOptions } from "../../gateway/gateway.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { keepRunning } from "../../gateway/keep-running.ts";
import { startGateway } from "../../gateway/main.ts";
import { signCommand } from "../../protocol/command-signature.ts";
import type { RecordHead } from "../../protocol/record.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { registerMeter } from "../fakes/register-meter.ts";
import { smallDisk } from "../fakes/small-disk.ts";
import { rotTree, temporaryDirectory } from "./journal/sample-records.ts";
import { ScriptedBridge } from "./uplink/scripted-bridge.ts";

// A gateway loads these after its first reading; here that is no part of what a test waits for.
await Promise.all([import("../../gateway/uplink/uplink.ts"), import("../../gateway/commands/commands.ts")]);

const SOON = { timeout: 20_000, interval: 50 };

async function broker(): Promise<string> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    aedes.close();
  });
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function configText(url: string, meterPort: number, state: string): string {
  return `
node: site-042
site: { name: Guanghua Road block 7, timeZone: Asia/Shanghai }
bridge: { url: "${url}", insecureLoopback: true }
state: ${JSON.stringify(state)}
health: { port: 0 }
buses: { rs485: { tcp: "127.0.0.1:${meterPort}", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 500, timeoutMs: 150 }
rules:
  night-noise: { kind: trigger, device: noise-01, limitDb: 70.0, byDay: true, raiseWindowS: 3, raiseMinValidS: 2 }
`;
}

async function gateway(text: string, more: Partial<GatewayOptions> = {}) {
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const running = await startGateway({ config: checked.config, version: "test", log: new QuietLog(), ...more });
  let isStopped = false;
  const stop = async () => {
    if (!isStopped) await running.stop();
    isStopped = true;
  };
  onTestFinished(stop);
  return { ...running, health: () => running.health(), localPort: running.localPort, run: running.run, stop };
}

async function scripted(url: string): Promise<ScriptedBridge> {
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  return bridge;
}

const records = (bridge: ScriptedBridge, run: string) =>
  [...(bridge.records.get(run)?.values() ?? [])] as (RecordHead & { body: Record<string, unknown> })[];

describe("a gateway", () => {
  test("carries a loud meter's alarm from the register to the bridge, and tells of itself", async () => {
    const url = await broker();
    const bridge = await scripted(url);
    const port = await registerMeter(() => 805);
    const { run, localPort, stop } = await gateway(configText(url, port, temporaryDirectory()));
    await vi.waitFor(() => expect(records(bridge, run).some(({ kind }) => kind === "alarm")).toBe(true), SOON);
    // An alarm may overtake all else, also the start of its run.
    const comes = (kind: string) =>
      vi.waitFor(() => expect(records(bridge, run).some((record) => record.kind === kind)).toBe(true), SOON);
    await Promise.all([comes("start"), comes("time")]);
    const seen = records(bridge, run);
    expect(seen.find(({ seq }) => seq === 1)).toMatchObject({
      kind: "start",
      body: { reason: "first", site: { timeZone: "Asia/Shanghai" }, devices: [{ id: "noise-01" }] },
    });
    expect(seen.find(({ kind }) => kind === "time")?.body).toMatchObject({ quality: expect.any(String) });
    expect(seen.find(({ kind }) => kind === "alarm")?.body).toMatchObject({ phase: "raised", rule: "night-noise" });
    await vi.waitFor(() => expect(records(bridge, run).some(({ kind }) => kind === "health")).toBe(true), SOON);
    const health = await (await fetch(`http://127.0.0.1:${localPort}/health`)).json();
    expect(health).toMatchObject({ node: "site-042", run, devices: { "noise-01": { state: "online" } } });
    const elsewhere = await fetch(`http://127.0.0.1:${localPort}/`);
    expect([elsewhere.status, await elsewhere.text()]).toEqual([404, expect.stringContaining("page: { port: 8090 }")]);
    const metrics = await (await fetch(`http://127.0.0.1:${localPort}/metrics`)).text();
    expect(metrics).toMatch(/^# TYPE shao_gateway_connected gauge\nshao_gateway_connected 1$/m);
    expect(metrics).toMatch(/^shao_gateway_devices\{state="online"\} 1$/m);
    for (const line of metrics.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) )?shao_gateway_[a-z_0-9]+(\{\S+\})? \S/);
    }
    await stop();
    await vi.waitFor(() => expect(bridge.states.at(-1)).toMatchObject({ online: false }), SOON);
  });

  test("with its clock in 1970 and no source says so, stamps honestly, and still raises the alarm", async () => {
    const url = await broker();
    const bridge = await scripted(url);
    const port = await registerMeter(() => 805);
    const started = performance.now();
    const { run, health } = await gateway(
      configText(url, port, temporaryDirectory()).replace("byDay: true", "byDay: false"),
      { systemMs: () => 10_000 + performance.now() - started },
    );
    await vi.waitFor(() => expect(records(bridge, run).some(({ kind }) => kind === "alarm")).toBe(true), SOON);
    const alarm = records(bridge, run).find(({ kind }) => kind === "alarm");
    expect(alarm).toMatchObject({ timeQuality: "none", body: { phase: "raised" } });
    expect(alarm?.atMs).toBeLessThan(3_600_000);
    expect((await health()).problems).toContainEqual(expect.objectContaining({ code: "CLOCK_UNTRUSTED" }));
  });

  test("on a full disk still gets its alarm through, tells what to do, and goes on when there is room", async (ctx) => {
    const disk = smallDisk(ctx, 20);
    const url = await broker();
    const bridge = await scripted(url);
    let tenths = 500;
    const port = await registerMeter(() => tenths);
    const { run, health } = await gateway(configText(url, port, join(disk.directory, "state")));
    const codes = async () => (await health()).problems.map(({ code }) => code);
    await vi.waitFor(() => expect(records(bridge, run).some(({ kind }) => kind === "device")).toBe(true), SOON);
    disk.fill();
    await vi.waitFor(async () => expect(await codes()).toContain("JOURNAL_FULL"), SOON);
    tenths = 805;
    await vi.waitFor(() => expect(records(bridge, run).some(({ kind }) => kind === "alarm")).toBe(true), SOON);
    expect(await health()).toMatchObject({ devices: { "noise-01": { state: "online" } } });
    expect((await health()).problems).toContainEqual(expect.objectContaining({ hint: expect.stringMatching(/space/) }));
    disk.free();
    await vi.waitFor(async () => expect(await codes()).not.toContain("JOURNAL_FULL"), SOON);
    expect((await health()).journal).toMatchObject({ lostWrites: 0, heldWrites: 0 });
  }, 60_000);

  test("that was never enrolled measures and keeps, and says what to do", async () => {
    const port = await registerMeter(() => 500);
    const text = configText("mqtts://127.0.0.1:1", port, temporaryDirectory()).replace("insecureLoopback: true", "");
    const { health } = await gateway(text.replace(/, *}/, " }"));
    await vi.waitFor(
      async () => expect((await health()).devices).toMatchObject({ "noise-01": { state: "online" } }),
      SOON,
    );
    const { problems, journal } = await health();
    expect(problems).toContainEqual(
      expect.objectContaining({ code: "NODE_NOT_ENROLLED", hint: expect.stringContaining("shao node add") }),
    );
    expect(journal).toMatchObject({ records: expect.any(Number) });
  });

  test("sends 1-s levels only while a signed lease asks for them, and answers the command", async () => {
    const url = await broker();
    const bridge = await scripted(url);
    const state = temporaryDirectory();
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const commandKeyPem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const none = { keyPem: "", certificatePem: "", caPem: "", mqttUrl: url };
    writeIdentity(state, { node: "site-042", bridge: "b1", commandKeyPem, ...none });
    const port = await registerMeter(() => 500);
    const { run } = await gateway(configText(url, port, state));
    const levels: unknown[] = [];
    await bridge.watch("site-042", (_stream, level) => levels.push(level));
    await vi.waitFor(() => expect(bridge.hellos).toBeGreaterThan(0), SOON);
    const unsigned = { v: 1, id: "c1", kind: "live" as const, args: { device: "noise-01" } };
    const times = { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 };
    expect(levels).toEqual([]);
    await bridge.send("site-042", signCommand({ ...unsigned, ...times }, commandKeyId(commandKeyPem), privateKey));
    await vi.waitFor(() => expect(levels).toContainEqual(expect.objectContaining({ levelDb: 50 })), SOON);
    await vi.waitFor(
      () =>
        expect(records(bridge, run)).toContainEqual(
          expect.objectContaining({ kind: "result", body: { commandId: "c1", ok: true } }),
        ),
      SOON,
    );
  });
});

describe("a journal that breaks while it is used", () => {
  test("loses no alarm: the one in the write that broke it goes with the next file, though the noise is over", async () => {
    const url = await broker();
    const bridge = await scripted(url);
    let tenths = 500;
    const port = await registerMeter(() => tenths);
    const state = temporaryDirectory();
    const checked = await checkGatewayConfig(Buffer.from(configText(url, port, state)), DRIVERS);
    if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
    const log = new QuietLog();
    const { promise: asked, resolve: stop } = Promise.withResolvers<"signal">();
    const runs: string[] = [];
    const done = keepRunning({ config: checked.config, version: "test", log }, asked, ({ run }) => runs.push(run));
    onTestFinished(async () => {
      stop("signal");
      await done;
    });
    await vi.waitFor(
      () => expect(records(bridge, runs[0] ?? "").some(({ kind }) => kind === "device")).toBe(true),
      SOON,
    );
    // Only writes of alarms meet the damage.
    rotTree(state, "alarm");
    tenths = 805;
    await vi.waitFor(() => expect(JSON.stringify(log.lines)).toContain("JOURNAL_BROKEN"), SOON);
    tenths = 500;
    await vi.waitFor(() => expect(runs).toHaveLength(2), SOON);
    const second = () => records(bridge, runs[1] ?? "");
    await vi.waitFor(() => expect(second().map(({ kind }) => kind)).toContain("alarm"), SOON);
    await vi.waitFor(() => expect(second().map(({ kind }) => kind)).toContain("start"), SOON);
    expect(second().find(({ kind }) => kind === "start")?.body).toMatchObject({ reason: "journal-set-aside" });
    expect(second().find(({ kind }) => kind === "alarm")?.body).toMatchObject({ phase: "raised", rev: 1 });
    expect(second().filter(({ kind }) => kind === "start")).toHaveLength(1);
  }, 60_000);
});

describe("shao gateway", () => {
  const shao = join(import.meta.dirname, "../../cli/shao.js");

  test("a second one on the same state is refused with a hint; SIGTERM ends the first cleanly", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "site.yaml");
    writeFileSync(file, configText("mqtt://127.0.0.1:1", 1, join(directory, "state")));
    const first = spawn(process.execPath, [shao, "gateway", "--config", file], { stdio: ["ignore", "ignore", "pipe"] });
    onTestFinished(() => void first.kill("SIGKILL"));
    let said = "";
    first.stderr.on("data", (bytes) => {
      said += bytes;
    });
    await vi.waitFor(() => expect(said).toContain("gateway started"), SOON);
    const second = spawnSync(process.execPath, [shao, "gateway", "--config", file], { encoding: "utf8" });
    expect(second.status).toBe(1);
    expect(second.stderr).toContain("STATE_BUSY");
    expect(second.stderr).toContain("Hint:");
    const ended = new Promise((resolve) => first.once("exit", (code) => resolve(code)));
    first.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(said).toContain("gateway ended");
  });

  test("a wrong config is told with its place, and exit 78", () => {
    const file = join(temporaryDirectory(), "site.yaml");
    writeFileSync(file, "node: site-042\nbrigde: {}\n");
    const { status, stderr } = spawnSync(process.execPath, [shao, "gateway", "--config", file], { encoding: "utf8" });
    expect(status).toBe(78);
    expect(stderr).toContain(`${file}:2:1`);
  });
});

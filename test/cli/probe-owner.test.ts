import { statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPtyPair, type PtyPair } from "../../cli/sim/pty-pair.ts";
import { type NoiseSimulator, startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { loadGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { startGateway } from "../../gateway/main.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { hasRig, scratchFolder } from "../fakes/rigs.ts";
import { runShao } from "../fakes/run-shao.ts";

const scratch = scratchFolder();
const file = join(scratch.path, "site.yaml");
const socket = join(scratch.path, "state", "probe.sock");
let pair: PtyPair | undefined;
let meters: NoiseSimulator;
let gateway: Gateway;
let readings = 0;

beforeAll(async () => {
  if (!hasRig("socat")) return;
  pair = await openPtyPair(join(scratch.path, "line"));
  meters = await startNoiseSimulator({
    listen: { serial: pair.devicePath },
    units: [2, 3],
    levelAt: (unit) => {
      if (unit === 2) readings++;
      return 60 + unit;
    },
  });
  writeFileSync(
    file,
    `node: site-1
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${scratch.path}/state
buses:
  line: { serial: "${pair.path}", baudRate: 9600 }
devices:
  noise-02: { driver: modbus-noise, bus: line, unit: 2, profile: sonbest-sm7901b }
  noise-09: { driver: modbus-noise, bus: line, unit: 9, profile: sonbest-sm7901b }
`,
  );
  const loaded = await loadGatewayConfig(file, DRIVERS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  gateway = await startGateway({ config: loaded.config, version: "test", log: new QuietLog() });
});
afterAll(async () => {
  await gateway?.stop();
  await meters?.close();
  await pair?.close();
  scratch.remove();
});

async function ask(line: string): Promise<unknown> {
  const link = connect(socket);
  link.write(`${line}\n`);
  for await (const answer of createInterface({ input: link })) {
    link.destroy();
    return JSON.parse(answer);
  }
  return undefined;
}

describe("shao probe while a gateway holds the port", { timeout: 120_000 }, () => {
  test("asks the gateway instead of reporting PORT_BUSY, and the gateway goes on", async (context) => {
    if (pair === undefined) context.skip("socat is missing: scripts/setup --test installs it");
    const { lines, code, talk } = await runShao("probe", file, "--seconds", "4");
    expect(lines).toMatchObject([
      { device: "noise-02", driver: "modbus-noise", ok: true, reading: { kind: "noise", levelDb: 62 } },
      {
        device: "noise-09",
        driver: "modbus-noise",
        ok: false,
        code: expect.stringMatching(/^MODBUS_/),
        hint: expect.any(String),
      },
    ]);
    expect([code, talk]).toEqual([1, expect.stringContaining("a gateway runs here")]);
    expect((await runShao("probe", file, "noise-02")).code).toBe(0);
    const before = readings;
    expect((await runShao("probe", file, "noise-02")).code).toBe(0);
    expect(readings).toBeGreaterThan(before);
  });

  test("--scan finds the line's units through the gateway, among its polls", async (context) => {
    if (pair === undefined) context.skip("socat is missing");
    const { lines, code } = await runShao("probe", file, "--scan", "--units", "1-4");
    expect(lines).toMatchObject([
      { bus: "line", unit: 2, baudRate: 9600, fits: [{ profile: "sonbest-sm7901b", levelDb: 62 }, {}, {}] },
      { bus: "line", unit: 3 },
    ]);
    expect(code).toBe(0);
  });

  test("only the owner may open the socket, and it only reads", async (context) => {
    if (pair === undefined) context.skip("socat is missing");
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const read = { ask: "read", bus: "line", unit: 2, function: "read-holding", address: 0, count: 1, timeoutMs: 500 };
    expect(await ask(JSON.stringify(read))).toEqual({ values: [620] });
    for (const refused of [
      { ...read, function: "write-holding", value: 1 },
      { ...read, count: 2000 },
      { ...read, unit: 0 },
      { ask: "stop" },
    ]) {
      expect(await ask(JSON.stringify(refused))).toMatchObject({ error: { code: "PROBE_QUESTION" } });
    }
    expect(await ask("rubbish")).toMatchObject({ error: { code: "PROBE_QUESTION" } });
    expect(await ask(JSON.stringify({ ...read, bus: "none" }))).toMatchObject({ error: { code: "PROBE_UNKNOWN" } });
    expect(await ask("x".repeat(5000))).toBeUndefined();
  });
});

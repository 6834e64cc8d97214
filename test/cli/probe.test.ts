import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { startTerminal } from "../../drivers/jt808/simulator.ts";
import { type NoiseSimulator, startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { freePort, scratchFolder } from "../fakes/rigs.ts";

const scratch = scratchFolder();
const file = join(scratch.path, "site.yaml");
let meters: NoiseSimulator;
let receiver: Awaited<ReturnType<typeof startGpsSimulator>>;

beforeAll(async () => {
  meters = await startNoiseSimulator({
    listen: { tcp: {}, framing: "rtu" },
    units: [2, 3],
    levelAt: (unit) => 60 + unit,
  });
  receiver = await startGpsSimulator({
    listen: { tcp: {} },
    positionAt: () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4 }),
  });
  const nobody = await freePort();
  writeFileSync(
    file,
    `node: site-1
bridge: { url: "mqtts://127.0.0.1:8883" }
state: ${scratch.path}/state
buses:
  line: { tcp: "127.0.0.1:${meters.port}", framing: rtu }
  none: { tcp: "127.0.0.1:${nobody}", framing: tcp }
devices:
  noise-02: { driver: modbus-noise, bus: line, unit: 2, profile: sonbest-sm7901b }
  noise-09: { driver: modbus-noise, bus: none, unit: 9, profile: sonbest-sm7901b }
  gps: { driver: gps-nmea, tcp: "127.0.0.1:${receiver.port}" }
`,
  );
});
afterAll(async () => {
  await meters.close();
  await receiver.close();
  scratch.remove();
});

async function probe(...args: readonly string[]): Promise<{ lines: unknown[]; code: number | null; talk: string }> {
  const child = spawn(process.execPath, ["cli/shao.js", "probe", ...args]);
  let text = "";
  let talk = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    talk += String(chunk);
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once("close", resolve);
  const code = await promise;
  return {
    lines: text
      .split("\n")
      .filter((line) => line !== "")
      .map((line): unknown => JSON.parse(line)),
    code,
    talk,
  };
}

describe("shao probe", () => {
  test("says of each device what it answers, or why it does not and what to do", async () => {
    const { lines, code } = await probe(file, "--seconds", "3");
    expect(lines).toMatchObject([
      { device: "noise-02", ok: true, reading: { kind: "noise", levelDb: 62 } },
      { device: "noise-09", ok: false, code: "CONNECTION_REFUSED", hint: expect.any(String) },
      { device: "gps", ok: true, reading: { kind: "position", latitudeDeg: 39.9 } },
    ]);
    expect(code).toBe(1);
    expect((await probe(file, "noise-02")).code).toBe(0);
  });

  test("--scan finds the units of a line and the profiles that fit", async () => {
    const { lines } = await probe(file, "--scan", "--units", "1-4");
    expect(lines).toMatchObject([
      { bus: "line", unit: 2, fits: [{ profile: "sonbest-sm7901b", levelDb: 62 }, {}, {}] },
      { bus: "line", unit: 3 },
      { bus: "none", code: "CONNECTION_REFUSED" },
    ]);
  });

  test("of vehicles, which connect to us: that none has come, and the first that does", async () => {
    const port = await freePort();
    const centre = join(scratch.path, "centre.yaml");
    const device = `{ driver: jt808, listen: "127.0.0.1:${port}", acceptUnknown: true }`;
    const rest = `bridge: { url: "mqtts://127.0.0.1:8883" }\nstate: ${scratch.path}/state\n`;
    writeFileSync(centre, `node: centre-1\n${rest}devices:\n  vehicles: ${device}\n`);
    const none = await probe(centre, "--seconds", "1");
    expect([none.code, none.lines]).toMatchObject([
      1,
      [{ ok: false, state: "starting", hint: expect.stringContaining("us") }],
    ]);
    const asked = probe(centre, "--seconds", "60");
    const place = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
    const open = () => startTerminal({ port, phone: "013912345678", placeAt: () => place }).catch(() => undefined);
    let terminal = await open();
    while (terminal === undefined) {
      await wait(50);
      terminal = await open();
    }
    expect(await asked).toMatchObject({
      code: 0,
      lines: [{ ok: true, reading: { kind: "position", latitudeDeg: 39.9 } }],
    });
    await terminal.close();
  });

  test("a device that the config lacks, and a config that is bad, say so", async () => {
    const unknown = await probe(file, "radio");
    expect([unknown.code, unknown.talk]).toEqual([64, expect.stringContaining("noise-02")]);
    writeFileSync(join(scratch.path, "bad.yaml"), "node: 7\n");
    expect((await probe(join(scratch.path, "bad.yaml"))).code).toBe(78);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGpsSimulator } from "../drivers/gps-nmea/simulator.ts";
import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";

export const METERS = 10;

/** Ten meters on one bus and a receiver, simulated in this process, and the config of a gateway that reads them. */
export interface TenMeters extends AsyncDisposable {
  readonly config: string;
  readonly state: string;
  /** `performance.now()` of the first answer that a meter gave; undefined before. */
  firstAnswerMs(): number | undefined;
  forgetAnswers(): void;
  answers(): number;
}

export async function startTenMeters(): Promise<TenMeters> {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const units = Array.from({ length: METERS }, (_, index) => index + 1);
  let first: number | undefined;
  let answers = 0;
  const meters = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    units,
    levelAt: (unit, atMs) => {
      first ??= performance.now();
      answers += 1;
      return 50 + 5 * Math.sin(atMs / 7000 + unit);
    },
  });
  const gps = await startGpsSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 } },
    positionAt: (atMs) => ({ latitudeDeg: 39.9 + (atMs % 3_600_000) * 1e-9, longitudeDeg: 116.4, speedMps: 0.1 }),
  });
  const state = join(folder, "state");
  const config = join(folder, "gateway.yaml");
  const devices = units.map(
    (unit) => `  noise-${unit}: { driver: modbus-noise, bus: meters, unit: ${unit}, profile: sonbest-sm7901b }`,
  );
  const rules = units.map((unit) => `  rule-${unit}: { kind: trigger, device: noise-${unit} }`);
  const lines = [
    "node: bench-node",
    "site: { name: Bench, timeZone: Asia/Shanghai, latitudeDeg: 39.9, longitudeDeg: 116.4 }",
    // Nobody listens there: the uplink tries again and again, all stays in the journal.
    'bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }',
    `state: ${JSON.stringify(state)}`,
    "buses:",
    `  meters: { tcp: "127.0.0.1:${meters.port ?? 0}", framing: tcp }`,
    "devices:",
    ...devices,
    `  gps: { driver: gps-nmea, tcp: "127.0.0.1:${gps.port ?? 0}" }`,
    "rules:",
    ...rules,
    "health: { port: 0 }",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  return {
    config,
    state,
    firstAnswerMs: () => first,
    forgetAnswers: () => {
      first = undefined;
      answers = 0;
    },
    answers: () => answers,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([meters.close(), gps.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

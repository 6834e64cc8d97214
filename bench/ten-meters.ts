import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGpsSimulator } from "../drivers/gps-nmea/simulator.ts";
import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";

export const METERS = 10;

/** Ten meters on one bus and a receiver, simulated in this process. */
export interface SimulatedSite extends AsyncDisposable {
  /** What a gateway's config says of them: site, buses, devices, rules. */
  readonly config: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** @param onRequest at each read of a unit, before the answer */
export async function simulateTenMeters(onRequest: (unit: number) => void = () => {}): Promise<SimulatedSite> {
  const units = Array.from({ length: METERS }, (_, index) => index + 1);
  const meters = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    units,
    levelAt: (unit, atMs) => {
      onRequest(unit);
      return 50 + 5 * Math.sin(atMs / 7000 + unit);
    },
  });
  const gps = await startGpsSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 } },
    positionAt: (atMs) => ({ latitudeDeg: 39.9 + (atMs % 3_600_000) * 1e-9, longitudeDeg: 116.4, speedMps: 0.1 }),
  });
  const noise = units.map((unit): [string, unknown] => [
    `noise-${unit}`,
    { driver: "modbus-noise", bus: "meters", unit, profile: "sonbest-sm7901b" },
  ]);
  return {
    config: {
      site: { name: "Bench", timeZone: "Asia/Shanghai", latitudeDeg: 39.9, longitudeDeg: 116.4 },
      buses: { meters: { tcp: `127.0.0.1:${meters.port ?? 0}`, framing: "tcp" } },
      devices: { ...Object.fromEntries(noise), gps: { driver: "gps-nmea", tcp: `127.0.0.1:${gps.port ?? 0}` } },
      rules: Object.fromEntries(units.map((unit) => [`rule-${unit}`, { kind: "trigger", device: `noise-${unit}` }])),
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([meters.close(), gps.close()]);
    },
  };
}

/** Ten meters, a receiver, and the config of a gateway that reads them and has no bridge. */
export interface TenMeters extends AsyncDisposable {
  readonly config: string;
  readonly state: string;
  /** `performance.now()` of the first answer that a meter gave; undefined before. */
  firstAnswerMs(): number | undefined;
  forgetAnswers(): void;
  answers(): number;
}

export interface TenMetersOptions {
  /** The gateway's folder; one that goes with the meters unless given. */
  readonly state?: string;
  /** Merged into the config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export async function startTenMeters(options: TenMetersOptions = {}): Promise<TenMeters> {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  let first: number | undefined;
  let answers = 0;
  const site = await simulateTenMeters(() => {
    first ??= performance.now();
    answers += 1;
  });
  const { state = join(folder, "state") } = options;
  const config = join(folder, "gateway.yaml");
  const whole = {
    node: "bench-node",
    // Nobody listens there: the uplink tries again and again, all stays in the journal.
    bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true },
    state,
    ...site.config,
    health: { port: 0 },
    ...options.config,
  };
  // JSON is YAML.
  await writeFile(config, `${JSON.stringify(whole, null, 2)}\n`);
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
      await site[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

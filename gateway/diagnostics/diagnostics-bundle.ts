import { arch, cpus, freemem, loadavg, platform, release, totalmem, uptime } from "node:os";
import process from "node:process";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { redacted } from "../../protocol/redact.ts";
import type { LogLine } from "./log-memory.ts";
import { tar } from "./tar.ts";

export interface DiagnosticsSources {
  readonly node: string;
  readonly version: string;
  readonly atMs: number;
  /** As it is in force. */
  readonly config: unknown;
  readonly health: unknown;
  /** Of each device and subject. */
  readonly devices: unknown;
  /** Text of `/metrics`. */
  readonly metrics: string;
  readonly log: readonly LogLine[];
}

const README = "What a person needs to find out why a box does not do what it should. Secrets are left out.";

/**
 * A `.tar.gz` for whoever looks after the box: what it is, how it is, what it said last. Nothing in it opens a door.
 */
export async function diagnosticsBundle(sources: DiagnosticsSources): Promise<Buffer> {
  const { node, version, atMs, config, health, devices, metrics, log } = sources;
  const [cpu] = cpus();
  const system = {
    ...{ node, version, atMs, nodeJs: process.version, platform: platform(), release: release(), arch: arch() },
    cpu: { model: cpu?.model, cores: cpus().length, loadAverage: loadavg() },
    memory: { totalBytes: totalmem(), freeBytes: freemem(), process: process.memoryUsage() },
    systemUpS: Math.round(uptime()),
    processUpS: Math.round(process.uptime()),
  };
  const json = (value: unknown) => `${JSON.stringify(redacted(value), null, 2)}\n`;
  const files = [
    { name: "README.txt", text: `${README}\n` },
    { name: "system.json", text: json(system) },
    { name: "config.json", text: json(withoutDrivers(config)) },
    { name: "health.json", text: json(health) },
    { name: "devices.json", text: json(devices) },
    { name: "metrics.txt", text: metrics },
    { name: "log.jsonl", text: log.map((line) => `${JSON.stringify(line)}\n`).join("") },
  ];
  return promisify(gzip)(tar(files, atMs));
}

/** A device's driver is code: its name is enough. */
function withoutDrivers(config: unknown): unknown {
  return JSON.parse(
    JSON.stringify(config, (name, value: unknown) =>
      name === "driver" && typeof value === "object" && value !== null && "kind" in value ? value.kind : value,
    ) ?? "null",
  );
}

import type { GatewayConfig } from "./config/gateway-config.ts";
import type { DeviceHealth } from "./contracts/readings.ts";
import type { LogMemory } from "./diagnostics/log-memory.ts";
import { exposition } from "./local/exposition.ts";
import type { NodeReport } from "./node-report.ts";

const MOST_CODES = 20;

export interface NodeDiagnostics {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly report: NodeReport;
  readonly devices: readonly DeviceHealth[];
  readonly logs: LogMemory;
  readonly nowMs: number;
}

/** All that this node can say of itself, as a file, and the little of it that fits the answer to a command. */
export async function nodeDiagnostics(
  of: NodeDiagnostics,
): Promise<{ readonly bytes: Uint8Array; readonly summary: object }> {
  const { config, version, report, devices, logs, nowMs: atMs } = of;
  // Asked for a few times in the life of a box.
  const { diagnosticsBundle } = await import("./diagnostics/diagnostics-bundle.ts");
  const health = await report.health();
  const metrics = exposition(await report.metrics());
  const { node } = config;
  const log = logs.since(0);
  const bytes = await diagnosticsBundle({ node, version, atMs, config, health, devices, metrics, log });
  const codes = [...new Set(health.problems.map(({ code }) => code))].slice(0, MOST_CODES);
  return { bytes, summary: { status: health.status, codes, upMs: health.upMs } };
}

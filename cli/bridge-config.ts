import process from "node:process";
import { type BridgeConfig, loadBridgeConfig } from "../cloud-bridge/config.ts";
import { renderFault } from "../protocol/document/fault.ts";
import { EXIT } from "./subcommand.ts";

export const DEFAULT_BRIDGE_CONFIG = "config/bridge.yaml";

/** The checked config; undefined after every fault was told and the exit code was set. */
export async function bridgeConfig(file: string): Promise<BridgeConfig | undefined> {
  const result = await loadBridgeConfig(file);
  if (result.ok) return result.config;
  for (const fault of result.faults) process.stderr.write(`${renderFault(file, result.text, fault)}\n\n`);
  const count = result.faults.length;
  process.stderr.write(`${file}: ${count} ${count === 1 ? "fault" : "faults"}, nothing was started\n`);
  process.exitCode = EXIT.config;
  return undefined;
}

import process from "node:process";
import { type BridgeConfig, loadBridgeConfig } from "../cloud-bridge/config.ts";
import { tellConfigFaults } from "./config-faults.ts";
import { EXIT } from "./subcommand.ts";

export const DEFAULT_BRIDGE_CONFIG = "config/bridge.yaml";

/** The checked config; undefined after every fault was told and the exit code was set. */
export async function bridgeConfig(file: string): Promise<BridgeConfig | undefined> {
  const result = await loadBridgeConfig(file);
  if (result.ok) return result.config;
  tellConfigFaults(file, result.text, result.faults);
  process.exitCode = EXIT.config;
  return undefined;
}

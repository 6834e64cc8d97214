import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BridgeConfig, checkBridgeConfig } from "../../cloud-bridge/config.ts";
import { type BridgeOptions, type RunningBridge, startBridge } from "../../cloud-bridge/main.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { ApiClient } from "./api-client.ts";

/** A config on free ports of loopback; `more` are further lines of YAML. */
export function bridgeConfigFor(state = mkdtempSync(join(tmpdir(), "shao-bridge-")), more = ""): BridgeConfig {
  const yaml = `listen: { host: 127.0.0.1, mqtt: 0, http: 0 }\nstate: ${state}\ntimeZone: Asia/Shanghai\n${more}`;
  const result = checkBridgeConfig(Buffer.from(yaml));
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.config;
}

/** A whole bridge with its own CA and an administrator's one-time link. */
export function startTestBridge(config = bridgeConfigFor(), more: Partial<BridgeOptions> = {}): Promise<RunningBridge> {
  return startBridge({ config, log: silentLogger, initialise: true, ...more });
}

/** Redeems a one-time link as a browser does. */
export async function signInBy(bridge: RunningBridge, link: string): Promise<ApiClient> {
  const client = new ApiClient(bridge.url, bridge.caPem);
  const token = new URL(link).hash.slice(1);
  const { status, text } = await client.post("/api/v1/welcome", { token, password: "a password of this test" });
  if (status !== 200) throw new Error(text);
  return client;
}

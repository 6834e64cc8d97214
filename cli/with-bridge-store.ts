import process from "node:process";
import { reachableHost, urlOf } from "../cloud-bridge/addresses.ts";
import type { BridgeConfig } from "../cloud-bridge/config.ts";
import { openConfiguredStore } from "../cloud-bridge/configured-store.ts";
import type { Store } from "../cloud-bridge/store/database.ts";
import { bridgeConfig } from "./bridge-config.ts";

export interface BridgeStore {
  readonly config: BridgeConfig;
  readonly store: Store;
  /** Where people reach the bridge, as its config says. */
  readonly publicUrl: string;
  readonly nowMs: number;
  /** Who acts, for the audit: the system's user. */
  readonly actor: string;
}

/** Opens the bridge's database beside a bridge that may be running, and closes it again. */
export async function withBridgeStore(file: string, act: (bridge: BridgeStore) => Promise<void>): Promise<void> {
  const config = await bridgeConfig(file);
  if (config === undefined) return;
  const nowMs = Date.now();
  const store = await openConfiguredStore(config, { nowMs });
  try {
    const scheme = config.insecureLoopback ? "http" : "https";
    const publicUrl = urlOf(scheme, reachableHost(config.listen), config.listen.http);
    await act({ config, store, publicUrl, nowMs, actor: `cli:${process.env["USER"] ?? "unknown"}` });
  } finally {
    await store.close();
  }
}

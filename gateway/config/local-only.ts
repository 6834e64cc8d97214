import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { GatewayConfig } from "./gateway-config.ts";

/**
 * What only somebody at the box may change: who it is, where its memory lies, to whom it speaks, what it starts as a program
 * and where it listens. A config from the bridge has to say the same here.
 */
export const LOCAL_ONLY = [
  ["node"],
  ["state"],
  ["bridge", "url"],
  ["bridge", "topicPrefix"],
  ["bridge", "insecureLoopback"],
  ["page"],
  ["health"],
  ["vision", "ffmpeg"],
  ["vision", "ringFolder"],
  ["parking", "shutdownCommand"],
] as const;

/** @returns the paths at which the two differ though they must not */
export function changedLocally(site: GatewayConfig, wanted: GatewayConfig): readonly string[] {
  return LOCAL_ONLY.filter((path) => textAt(site, path) !== textAt(wanted, path)).map((path) => path.join("."));
}

function textAt(config: GatewayConfig, path: readonly string[]): string {
  let value: unknown = config;
  for (const key of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  return value === undefined ? "" : canonicalJson(value);
}

import type { TSchema } from "typebox";
import { BridgeDocument } from "../cloud-bridge/config-schema.ts";
import { DRIVERS } from "../drivers/registry.ts";
import { deviceSchema } from "../gateway/config/check-devices.ts";
import { GatewayDocument } from "../gateway/config/schema.ts";

export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every file that scripts/generate-docs writes, as it should be now. */
export async function generatedFiles(): Promise<readonly GeneratedFile[]> {
  const drivers = await Promise.all(DRIVERS.map((entry) => entry.load()));
  const gateway = editorSchema(GatewayDocument);
  const { properties } = gateway as { properties: { devices: { patternProperties: Record<string, unknown> } } };
  const [pattern = "^.*$"] = Object.keys(properties.devices.patternProperties);
  properties.devices.patternProperties[pattern] = {
    anyOf: drivers.map((driver) => editorSchema(deviceSchema(driver))),
  };
  return [
    { path: "config/schema/gateway.schema.json", text: written("gateway", gateway) },
    { path: "config/schema/bridge.schema.json", text: written("bridge", editorSchema(BridgeDocument)) },
  ];
}

function written(half: string, schema: object): string {
  const head = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $comment: `npm run docs writes this file (${half})`,
  };
  return `${JSON.stringify({ ...head, ...schema }, null, 2)}\n`;
}

/** As an editor wants it: what has a default is not required, unknown keys are refused, our own notes are left out. */
function editorSchema(schema: TSchema): Record<string, unknown> {
  return rewritten(JSON.parse(JSON.stringify(schema))) as Record<string, unknown>;
}

function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === "expected" || key === "keyForm" || key === "x-shao") continue;
    result[key] = key === "examples" || key === "default" ? item : rewritten(item);
  }
  const { properties, required } = result;
  if (typeof properties === "object" && properties !== null && result["type"] === "object") {
    const known = properties as Record<string, { readonly default?: unknown } | undefined>;
    if (Array.isArray(required)) {
      result["required"] = required.filter((name) => typeof name === "string" && known[name]?.default === undefined);
    }
    result["additionalProperties"] = false;
  }
  if (result["patternProperties"] !== undefined) result["additionalProperties"] = false;
  return result;
}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type CheckedDocument, checkDocument } from "../../protocol/document/check-document.ts";
import { contentHash } from "../../protocol/document/content-hash.ts";
import { type DocumentFault, inDocumentOrder } from "../../protocol/document/fault.ts";
import { type DocumentNode, parseDocumentText } from "../../protocol/document/parse-document.ts";
import { resolveCameras } from "./check-cameras.ts";
import { checkDevices, type DriverCatalogue } from "./check-devices.ts";
import { type CrossChecked, crossCheck } from "./cross-check.ts";
import type { GatewayConfig } from "./gateway-config.ts";
import { GatewayDocument } from "./schema.ts";

export type GatewayConfigResult =
  | { readonly ok: true; readonly config: GatewayConfig; readonly text: string; readonly root: DocumentNode }
  | { readonly ok: false; readonly faults: readonly DocumentFault[]; readonly text: string };

/**
 * Reads and checks the gateway's config. Never throws for what a file may hold: every fault is told at once, in the order
 * of the document. Drivers are loaded only for the kinds that the file names.
 */
export async function loadGatewayConfig(path: string, drivers: DriverCatalogue): Promise<GatewayConfigResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return { ok: false, faults: [unreadable(path, error)], text: "" };
  }
  return checkGatewayConfig(bytes, drivers);
}

/** The same for bytes at hand. */
export async function checkGatewayConfig(bytes: Uint8Array, drivers: DriverCatalogue): Promise<GatewayConfigResult> {
  const text = new TextDecoder().decode(bytes);
  const { root, faults } = parseDocumentText(text);
  // A document that does not parse would only bring faults that follow from the first.
  if (faults.length > 0) return { ok: false, faults: inDocumentOrder(faults), text };
  return checkGatewayRoot(root, text, drivers);
}

/** The same for a document that was read already. */
export async function checkGatewayRoot(
  root: DocumentNode,
  text: string,
  drivers: DriverCatalogue,
): Promise<GatewayConfigResult> {
  const checked = checkDocument(GatewayDocument, root);
  const devices = await checkDevices(root, drivers);
  const crossed = crossCheck(root, checked, devices.found);
  const all = [...checked.faults, ...devices.faults, ...crossed.faults];
  if (all.length > 0) return { ok: false, faults: inDocumentOrder(all), text };
  const sha256 = createHash("sha256").update(text).digest("hex");
  const hashes = { sha256, contentSha256: contentHash(root) };
  return { ok: true, config: assemble(checked, crossed, hashes), text, root };
}

function assemble(
  checked: CheckedDocument<GatewayDocument>,
  crossed: CrossChecked,
  hashes: Pick<GatewayConfig, "sha256" | "contentSha256">,
): GatewayConfig {
  const { devices: _, cameras, rules, timeZone, site, ...rest } = checked.value;
  return {
    ...rest,
    ...(site === undefined ? {} : { site }),
    timeZone: site?.timeZone ?? timeZone ?? "UTC",
    buses: crossed.buses,
    devices: crossed.devices,
    cameras: resolveCameras(cameras, site === undefined),
    rules: Object.entries(rules).flatMap(([name, rule]) => (rule.kind === "violation" ? [] : [{ name, ...rule }])),
    violations: Object.entries(rules).flatMap(([name, rule]) => (rule.kind === "violation" ? [{ name, ...rule }] : [])),
    permits: crossed.permits,
    ...hashes,
  };
}

function unreadable(path: string, error: unknown): DocumentFault {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  return {
    code: "CONFIG_UNREADABLE",
    path: "",
    at: { line: 1, column: 1 },
    message: `the file cannot be read (${code})`,
    expected: `a readable file at ${path}`,
  };
}

import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { loadBridgeConfig } from "../cloud-bridge/config.ts";
import { DRIVERS } from "../drivers/registry.ts";
import { type GatewayConfigResult, loadGatewayConfig } from "../gateway/config/load-gateway-config.ts";
import { type DocumentFault, secretless } from "../protocol/document/fault.ts";
import { nodeAt, parseDocumentText } from "../protocol/document/parse-document.ts";
import { classFaults } from "./check-classes.ts";
import { tellConfigFaults } from "./config-faults.ts";
import { type Locale, systemLocale } from "./locale.ts";
import { EXIT } from "./subcommand.ts";

type Half = "gateway" | "bridge";

const GOOD: Readonly<Record<Locale, Readonly<Record<Half, (file: string) => string>>>> = {
  en: {
    gateway: (file) => `${file}: a good gateway config`,
    bridge: (file) => `${file}: a good bridge config`,
  },
  "zh-CN": { gateway: (file) => `${file}：网关配置正确`, bridge: (file) => `${file}：云端桥配置正确` },
};

/** `shao check FILE…`: every fault of a config, with its place, what was expected and an example. */
export function command(): Command {
  return new Command()
    .argument("<file...>", "configs of gateways or bridges")
    .option("--json", "one JSON object a fault on stdout")
    .addHelpText(
      "after",
      "\nWhich half a file is for is told by its keys. Exit code 0: all good, 78: at least one fault.\n" +
        "Example: shao check config/site.yaml",
    )
    .action(async (files: string[], options: { json?: boolean }) => {
      let faultCount = 0;
      for (const file of files) faultCount += await checkFile(file, options.json === true);
      process.exitCode = faultCount === 0 ? EXIT.good : EXIT.config;
    });
}

async function checkFile(file: string, json: boolean): Promise<number> {
  const half = await halfOf(file);
  const result = half === "bridge" ? await loadBridgeConfig(file) : await wholeGatewayConfig(file);
  if (result.ok) {
    if (json) process.stdout.write(`${JSON.stringify({ file, half, ok: true })}\n`);
    else process.stderr.write(`${GOOD[systemLocale()][half](file)}\n`);
    return 0;
  }
  if (json) for (const fault of result.faults) report(file, half, fault);
  else tellConfigFaults(file, result.text, result.faults);
  return result.faults.length;
}

/** With what only the models of this machine tell. */
async function wholeGatewayConfig(file: string): Promise<GatewayConfigResult> {
  const result = await loadGatewayConfig(file, DRIVERS);
  if (!result.ok) return result;
  const faults = await classFaults(result.config, result.root);
  return faults.length === 0 ? result : { ok: false, faults, text: result.text };
}

function report(file: string, half: Half, fault: DocumentFault): void {
  const told = { ...fault, message: secretless(fault.message), at: undefined };
  process.stdout.write(`${JSON.stringify({ file, half, ...fault.at, ...told })}\n`);
}

/** A file is for the half whose own keys it has more of. */
async function halfOf(file: string): Promise<Half> {
  try {
    const { root } = parseDocumentText(await readFile(file, "utf8"));
    const has = (...keys: string[]): number => keys.filter((key) => nodeAt(root, [key]) !== undefined).length;
    const gateway = has("node", "site", "bridge", "buses", "devices", "rules", "permits", "position");
    return has("listen", "store", "dispatch", "grouping", "verification", "silence") > gateway ? "bridge" : "gateway";
  } catch {
    return "gateway";
  }
}

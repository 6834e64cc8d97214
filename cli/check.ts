import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { loadBridgeConfig } from "../cloud-bridge/config.ts";
import { DRIVERS } from "../drivers/registry.ts";
import { loadGatewayConfig } from "../gateway/config/load-gateway-config.ts";
import { type DocumentFault, renderFault, secretless } from "../protocol/document/fault.ts";
import { nodeAt, parseDocumentText } from "../protocol/document/parse-document.ts";
import { EXIT } from "./subcommand.ts";

type Half = "gateway" | "bridge";

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
  const result = half === "bridge" ? await loadBridgeConfig(file) : await loadGatewayConfig(file, DRIVERS);
  if (result.ok) {
    if (json) process.stdout.write(`${JSON.stringify({ file, half, ok: true })}\n`);
    else process.stderr.write(`${file}: a good ${half} config\n`);
    return 0;
  }
  for (const fault of result.faults) report(file, half, result.text, fault, json);
  const count = result.faults.length;
  if (!json) process.stderr.write(`${file}: ${count} ${count === 1 ? "fault" : "faults"}, nothing was started\n`);
  return count;
}

function report(file: string, half: Half, text: string, fault: DocumentFault, json: boolean): void {
  const told = { ...fault, message: secretless(fault.message), at: undefined };
  if (json) process.stdout.write(`${JSON.stringify({ file, half, ...fault.at, ...told })}\n`);
  else process.stderr.write(`${renderFault(file, text, fault)}\n\n`);
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

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { codeOf, GatewayError } from "../gateway/contracts/gateway-error.ts";
import { FAMILIES } from "../gateway/vision/models/families.ts";
import { importModel } from "../gateway/vision/models/import-model.ts";
import { MANIFEST_FILE, readModel } from "../gateway/vision/models/read-manifest.ts";
import { EXIT } from "./subcommand.ts";
import { UsageError, usable } from "./usage-error.ts";
import { whoseModel } from "./whose-model.ts";

/** `shao models`: the detectors of this box, each with its licence and hash. */
export function command(): Command {
  return new Command().addCommand(addCommand()).addCommand(listCommand());
}

interface AddOptions {
  readonly family: string;
  readonly labels: string;
  readonly name: string;
  readonly into: string;
  readonly licence?: string;
  readonly origin?: string;
  readonly size?: string;
  readonly score?: string;
}

function addCommand(): Command {
  const families = Object.entries(FAMILIES).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  const command = new Command("add")
    .summary("imports a detector")
    .description("Imports a detector: copies its graph beside a manifest, and runs it once to see that they agree.")
    .argument("<file>", "the graph, ONNX")
    .requiredOption("--family <family>", `how its output is read: ${Object.keys(FAMILIES).join(", ")}`)
    .requiredOption("--labels <labels>", "its labels in order: truck,person or a file with one a line")
    .requiredOption("--name <name>", "what it will be called, and the name of its folder")
    .option("--into <dir>", "folder of models", "models")
    .option("--licence <licence>", "whose it is, as AGPL-3.0; told wherever the model is")
    .option("--origin <text>", "where it comes from")
    .option("--size <WxH>", "input in pixels, where the graph takes any size")
    .option("--score <n>", "least score of a detection, 0 to 1")
    .addHelpText(
      "after",
      `\nFamilies:\n${families.join("\n")}\n\nThe manifest that is written has the family's usual input; correct it where yours differs.\n` +
        "Example: shao models add best.onnx --family yolo11 --labels truck,person --name gate --licence AGPL-3.0",
    );
  return command.action((file: string, options: AddOptions) => usable(command, () => add(file, options)));
}

async function add(file: string, options: AddOptions): Promise<void> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(options.name)) {
    throw new UsageError(`--name ${JSON.stringify(options.name)} is no name of small letters, digits and -`);
  }
  const { family, name, origin } = options;
  const size = options.size === undefined ? undefined : sizeOf(options.size);
  const score = options.score === undefined ? undefined : shareOf(options.score);
  const folder = await importModel(
    {
      file,
      family,
      name,
      labels: await labelsOf(options.labels),
      licence: options.licence ?? "unknown",
      ...(origin === undefined ? {} : { origin }),
      ...(size === undefined ? {} : { size }),
      ...(score === undefined ? {} : { score }),
    },
    options.into,
  );
  const { manifest } = await readModel(folder);
  const { sha256, licence } = manifest;
  process.stdout.write(`${JSON.stringify({ name, folder, family, licence, sha256 })}\n`);
  if (options.licence === undefined) {
    process.stderr.write(`its licence is written down as unknown; correct it in ${join(folder, MANIFEST_FILE)}\n`);
  }
  process.stderr.write(`try it: shao detect --model ${folder} IMAGE\n`);
}

async function labelsOf(given: string): Promise<string[]> {
  const text = existsSync(given) ? await readFile(given, "utf8") : given.replaceAll(",", "\n");
  const labels = text
    .split(/\r?\n/)
    .map((label) => label.trim())
    .filter((label) => label !== "");
  if (labels.length === 0) throw new UsageError(`--labels ${JSON.stringify(given)} holds no label`);
  return labels;
}

function sizeOf(text: string): { readonly width: number; readonly height: number } {
  const [, width, height] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  if (width === undefined || height === undefined) throw new UsageError(`--size ${text} is no size such as 640x640`);
  return { width: Number(width), height: Number(height) };
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new UsageError(`--score ${JSON.stringify(text)} is no number from 0 to 1`);
}

function listCommand(): Command {
  return new Command("ls")
    .summary("the detectors of a folder")
    .description(
      "One JSON object a line: {name, folder, family, labels, licence, sha256, sizeBytes, secondStage}, or {folder, fault}.",
    )
    .option("--into <dir>", "folder of models", "models")
    .addHelpText("after", "\nThe hash of each file is computed. Exit code 1 if a model cannot be used.")
    .action(async ({ into }: { into: string }) => {
      const folders = await foldersOf(into);
      for (const folder of folders) process.stdout.write(`${JSON.stringify(await described(folder))}\n`);
      if (folders.length === 0) process.stderr.write(`there is no model in ${into}\n`);
    });
}

async function foldersOf(into: string): Promise<string[]> {
  try {
    const entries = await readdir(into, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && existsSync(join(into, entry.name, MANIFEST_FILE)))
      .map(({ name }) => join(into, name))
      .sort();
  } catch (error) {
    throw new GatewayError("MODEL_MISSING", `the folder ${into} cannot be read (${codeOf(error)})`, {
      hint: "Give the folder of models with --into.",
      cause: error,
    });
  }
}

async function described(folder: string): Promise<object> {
  try {
    const { manifest, bytes, secondStage } = await readModel(folder);
    const { name, family, labels, licence, sha256 } = manifest;
    const second = secondStage === undefined ? {} : { secondStage: whoseModel(secondStage) };
    return { name, folder, family, labels, licence, sha256, sizeBytes: bytes.length, ...second };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    process.exitCode = EXIT.fault;
    const { code, message, hint } = error;
    return { folder, fault: { code, message, hint } };
  }
}

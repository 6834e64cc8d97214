import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkDocument } from "../../../protocol/document/check-document.ts";
import { renderFault } from "../../../protocol/document/fault.ts";
import { parseDocumentText } from "../../../protocol/document/parse-document.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";
import { familyOf } from "./families.ts";
import { ModelManifest } from "./manifest-schema.ts";

export const MANIFEST_FILE = "manifest.yaml";

/** A detector on disk whose files are those that its manifests name. */
export interface ModelFiles {
  readonly folder: string;
  readonly manifest: ModelManifest;
  /** The graph. */
  readonly bytes: Uint8Array;
  readonly secondStage?: ModelFiles;
}

/** @throws GatewayError MODEL_MISSING, MODEL_MANIFEST, MODEL_FAMILY */
export async function readManifest(folder: string): Promise<ModelManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = (await read(path)).toString("utf8");
  const { root, faults: unparsed } = parseDocumentText(text);
  const { value, faults } =
    unparsed.length > 0 ? { value: undefined, faults: unparsed } : checkDocument(ModelManifest, root);
  if (value === undefined || faults.length > 0) {
    const said = faults.map((fault) => renderFault(path, text, fault)).join("\n\n");
    throw new GatewayError("MODEL_MANIFEST", `the model's manifest cannot be used\n${said}`, {
      hint: "models/README.md explains each key; `shao models add` writes a manifest.",
    });
  }
  familyOf(value.family);
  return value;
}

/**
 * Reads a detector and its second stage.
 * @throws GatewayError also MODEL_HASH where a file is not the one that its manifest names
 */
export async function readModel(folder: string): Promise<ModelFiles> {
  const manifest = await readManifest(folder);
  const path = join(folder, manifest.file);
  const bytes = await read(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== manifest.sha256) {
    throw new GatewayError("MODEL_HASH", `${path} has the hash ${sha256}, its manifest says ${manifest.sha256}`, {
      hint: "The file is broken or was exchanged. Copy it again, or import the new one with `shao models add`.",
    });
  }
  if (manifest.secondStage === undefined) return { folder, manifest, bytes };
  return { folder, manifest, bytes, secondStage: await readSecondStage(folder, manifest, manifest.secondStage) };
}

async function readSecondStage(
  folder: string,
  { labels }: ModelManifest,
  { model, of }: NonNullable<ModelManifest["secondStage"]>,
): Promise<ModelFiles> {
  const second = await readModel(join(folder, model));
  const unknown = of.find((label) => !labels.includes(label));
  if (second.manifest.family === "classifier" && unknown === undefined) return second;
  const said = unknown === undefined ? "it is no classifier" : `the detector has no label ${JSON.stringify(unknown)}`;
  throw new GatewayError("MODEL_MANIFEST", `the second stage ${model} of ${folder} cannot be used: ${said}`, {
    hint: "A second stage is a model of the family classifier, for labels of the first.",
  });
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new GatewayError("MODEL_MISSING", `${path} cannot be read (${code})`, {
      hint: "A model is a folder with manifest.yaml and its graph; `shao models ls` shows those that are there.",
      cause: error,
    });
  }
}

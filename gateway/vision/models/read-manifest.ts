import { join } from "node:path";
import { checkDocument } from "../../../protocol/document/check-document.ts";
import { renderFault } from "../../../protocol/document/fault.ts";
import { parseDocumentText } from "../../../protocol/document/parse-document.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";
import { familyOf } from "./families.ts";
import { ModelManifest } from "./manifest-schema.ts";
import { type ModelFiles, type ModelPlan, readGraphs, readModelFile } from "./read-graph.ts";

export const MANIFEST_FILE = "manifest.yaml";

async function readManifest(folder: string): Promise<ModelManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = (await readModelFile(path)).toString("utf8");
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
 * Reads the manifests of a detector and of its second stage.
 * @throws GatewayError MODEL_MISSING, MODEL_MANIFEST, MODEL_FAMILY
 */
export async function readPlan(folder: string): Promise<ModelPlan> {
  const manifest = await readManifest(folder);
  if (manifest.secondStage === undefined) return { folder, manifest };
  const { model, of } = manifest.secondStage;
  const second = { folder: join(folder, model), manifest: await readManifest(join(folder, model)) };
  const said = whyNoSecondStage(
    second.manifest,
    of.find((label) => !manifest.labels.includes(label)),
  );
  if (said === undefined) return { folder, manifest, secondStage: second };
  throw new GatewayError("MODEL_MANIFEST", `the second stage ${model} of ${folder} cannot be used: ${said}`, {
    hint: "A second stage is a model of the family classifier, for labels of the first, without a stage of its own.",
  });
}

/**
 * Reads a detector and its second stage.
 * @throws GatewayError also MODEL_HASH where a file is not the one that its manifest names
 */
export async function readModel(folder: string): Promise<ModelFiles> {
  return readGraphs(await readPlan(folder));
}

function whyNoSecondStage({ family, secondStage }: ModelManifest, unknownLabel: string | undefined) {
  if (family !== "classifier") return "it is no classifier";
  if (secondStage !== undefined) return "it has a second stage itself";
  return unknownLabel === undefined ? undefined : `the detector has no label ${JSON.stringify(unknownLabel)}`;
}

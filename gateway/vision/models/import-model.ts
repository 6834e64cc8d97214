import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { GatewayError } from "../../contracts/gateway-error.ts";
import { Detector } from "./detector.ts";
import { familyOf } from "./families.ts";
import type { Family } from "./family.ts";
import type { ModelInput } from "./manifest-schema.ts";
import { InferenceSession } from "./onnx-runtime.ts";
import { MANIFEST_FILE, readModel } from "./read-manifest.ts";

export interface ModelToImport {
  readonly file: string;
  readonly family: string;
  readonly labels: readonly string[];
  readonly name: string;
  readonly licence: string;
  readonly origin?: string;
  /** Of the graph where left out; a graph of any size needs it. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly score?: number;
}

/**
 * Copies a graph into a folder of its own beside a manifest with its family's usual input, and runs it once: what it gives
 * must be what the family expects. Nothing stays where that is not so.
 * @returns the new folder
 * @throws GatewayError MODEL_EXISTS, MODEL_MISSING, MODEL_FAMILY, MODEL_MANIFEST, MODEL_GRAPH, MODEL_INPUT, MODEL_OUTPUT
 */
export async function importModel(model: ModelToImport, into: string): Promise<string> {
  const family = familyOf(model.family);
  const bytes = await graphOf(model.file);
  const folder = join(into, model.name);
  // Nobody finds a half-written model: the folder gets its name last.
  const making = join(into, `.${model.name}.importing`);
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  try {
    const input = await inputOf(model, family, bytes);
    await writeSynced(join(making, "model.onnx"), bytes);
    await writeSynced(join(making, MANIFEST_FILE), Buffer.from(manifestText(model, input, bytes)));
    await tryOnce(making, input);
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOTDIR") throw error;
    throw new GatewayError("MODEL_EXISTS", `there is a model ${folder} already`, {
      hint: "Choose another --name, or remove that folder first: alarms name the hash of the model that judged.",
    });
  }
  return folder;
}

async function graphOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new GatewayError("MODEL_MISSING", `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, {
      hint: "Give the path of an ONNX file.",
      cause: error,
    });
  }
}

type ImportedInput = Family["input"] & Pick<ModelInput, "width" | "height" | "layout">;

async function inputOf(model: ModelToImport, family: Family, bytes: Uint8Array): Promise<ImportedInput> {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
  } catch (error) {
    throw new GatewayError("MODEL_GRAPH", `${model.file} is no graph that can be loaded`, {
      hint: "Export it as ONNX with opset 13 to 21, in float32, without custom operators.",
      cause: error,
    });
  }
  const picture = session.inputMetadata.find((input) => input.isTensor && input.shape.length === 4);
  await session.release();
  const shape = picture?.isTensor === true ? picture.shape : [];
  const layout = shape[3] === 3 && shape[1] !== 3 ? "nhwc" : "nchw";
  const [height, width] = layout === "nhwc" ? [shape[1], shape[2]] : [shape[2], shape[3]];
  const size = model.size ?? { width, height };
  if (typeof size.width === "number" && typeof size.height === "number" && size.width > 0 && size.height > 0) {
    return { ...family.input, width: size.width, height: size.height, layout };
  }
  throw new GatewayError("MODEL_INPUT", `${model.file} takes pictures of any size`, {
    hint: "Say which one it was trained for: --size 640x640.",
  });
}

function manifestText(model: ModelToImport, input: ImportedInput, bytes: Uint8Array): string {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { name, family, licence, origin, labels, score } = model;
  const manifest = {
    name,
    family,
    sha256,
    licence,
    ...(origin === undefined ? {} : { origin }),
    labels,
    input,
    ...(score === undefined ? {} : { thresholds: { score } }),
  };
  return `# Written by \`shao models add\`; models/README.md explains each key.\n${stringify(manifest, { lineWidth: 110 })}`;
}

async function tryOnce(folder: string, { width, height }: ImportedInput): Promise<void> {
  const detector = await Detector.open(await readModel(folder));
  try {
    await detector.detect({ width, height, rgb: new Uint8Array(width * height * 3).fill(114) });
  } finally {
    await detector.close();
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes);
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

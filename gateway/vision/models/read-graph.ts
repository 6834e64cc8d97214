import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../../contracts/gateway-error.ts";
import type { ModelManifest } from "./manifest-schema.ts";

/**
 * What the manifests of a detector say, checked. The process in which models run gets it from its parent: so it needs none
 * of what reads and checks documents, 10 MB of its memory.
 */
export interface ModelPlan {
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly secondStage?: ModelPlan;
}

/** A detector on disk whose files are those that its manifests name. */
export interface ModelFiles extends ModelPlan {
  /** The graph. */
  readonly bytes: Uint8Array;
  readonly secondStage?: ModelFiles;
}

/** @throws GatewayError MODEL_MISSING, MODEL_HASH where a file is not the one that its manifest names */
export async function readGraphs({ folder, manifest, secondStage }: ModelPlan): Promise<ModelFiles> {
  const path = join(folder, manifest.file);
  const bytes = await readModelFile(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== manifest.sha256) {
    throw new GatewayError("MODEL_HASH", `${path} has the hash ${sha256}, its manifest says ${manifest.sha256}`, {
      hint: "The file is broken or was exchanged. Copy it again, or import the new one with `shao models add`.",
    });
  }
  if (secondStage === undefined) return { folder, manifest, bytes };
  return { folder, manifest, bytes, secondStage: await readGraphs(secondStage) };
}

/** @throws GatewayError MODEL_MISSING */
export async function readModelFile(path: string): Promise<Buffer> {
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

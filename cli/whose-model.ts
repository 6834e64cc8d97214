import type { ModelFiles } from "../gateway/vision/models/read-graph.ts";

export interface WhoseModel {
  readonly name: string;
  readonly licence: string;
  readonly sha256: string;
  readonly secondStage?: WhoseModel;
}

/** Whose a model is, and which, with its second stage: told wherever the model is. */
export function whoseModel({ manifest: { name, licence, sha256 }, secondStage }: ModelFiles): WhoseModel {
  return { name, licence, sha256, ...(secondStage && { secondStage: whoseModel(secondStage) }) };
}

/** The same for people. */
export function ownersOf({ name, licence, sha256, secondStage }: WhoseModel, what = "model"): string {
  const line = `${what} ${name}: licence ${licence}, SHA-256 ${sha256}\n`;
  return secondStage === undefined ? line : line + ownersOf(secondStage, "  second stage");
}

import type { Family, Outputs } from "./family.ts";
import type { ModelManifest } from "./manifest-schema.ts";
import { outputOf, wrongOutput } from "./model-output.ts";
import type { Candidate } from "./suppress.ts";

/** One score a label for the whole picture; the best one is told, with the whole input as its box. */
export const classifier: Family = {
  summary: "one label for a whole picture or for the crop of a box (second stage)",
  input: { colour: "rgb", scale: 1 / 255, fit: "stretch" },
  open: (manifest) => ({ decode: (outputs) => best(outputs, manifest) }),
};

function best(outputs: Outputs, { labels, activation, thresholds, input }: ModelManifest): Candidate[] {
  const { data } = outputOf(outputs);
  if (data.length !== labels.length) throw wrongOutput(outputs, `[1, ${labels.length}]: one for each label`);
  let classIndex = 0;
  for (let k = 1; k < labels.length; k++) if ((data[k] ?? 0) > (data[classIndex] ?? 0)) classIndex = k;
  const score = activated(Array.from(data), activation)[classIndex];
  if (score === undefined || !(score >= thresholds.score)) return [];
  return [{ classIndex, score: Math.min(1, score), left: 0, top: 0, right: input.width, bottom: input.height }];
}

function activated(values: readonly number[], activation: ModelManifest["activation"]): readonly number[] {
  if (activation === "none") return values;
  if (activation === "sigmoid") return values.map((value) => 1 / (1 + Math.exp(-value)));
  const highest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

import type { Family, FamilyModel, Outputs } from "./family.ts";
import type { ModelManifest } from "./manifest-schema.ts";
import { outputOf, wrongOutput } from "./model-output.ts";
import { type Candidate, strongestFirst } from "./suppress.ts";

/** The name under which the authors' own exports ask for the size in which boxes are wanted: width, height. */
const SIZE_INPUT = "orig_target_sizes";
const MOST = 300;

/**
 * RT-DETR and D-FINE find a set, so nothing is suppressed. Three exports are known by their outputs: the authors' own
 * (`labels`, `boxes` as corners, `scores`); Transformers' (`logits` before the sigmoid, `pred_boxes` as middle and size, 0
 * to 1); Ultralytics' (one output: middle and size, 0 to 1, then scores).
 * @source lyuwenyu RT-DETR, RTDETRPostProcessor; Peterande D-FINE, tools/deployment/export_onnx
 */
export const rtDetr: Family = {
  summary: "RT-DETR and D-FINE, of their authors, Transformers or Ultralytics",
  input: { colour: "rgb", scale: 1 / 255, fit: "stretch", resample: "antialias" },
  open: (manifest, inputNames) => {
    const { width, height } = manifest.input;
    const decode = (outputs: Outputs) => strongestFirst(candidates(outputs, manifest)).slice(0, MOST);
    const model: FamilyModel = inputNames.includes(SIZE_INPUT)
      ? { decode, extraInputs: { [SIZE_INPUT]: { type: "int64", values: [width, height] } } }
      : { decode };
    return model;
  },
};

function candidates(outputs: Outputs, manifest: ModelManifest): Candidate[] {
  if (outputs["boxes"] !== undefined && outputs["scores"] !== undefined) return decoded(outputs, manifest);
  if (outputs["logits"] !== undefined && outputs["pred_boxes"] !== undefined) return ofLogits(outputs, manifest);
  return joined(outputs, manifest);
}

function decoded(outputs: Outputs, { labels, thresholds }: ModelManifest): Candidate[] {
  const [kinds, boxes, scores] = [outputOf(outputs, "labels"), outputOf(outputs, "boxes"), outputOf(outputs, "scores")];
  const count = scores.data.length;
  if (boxes.data.length !== count * 4 || kinds.data.length !== count) {
    throw wrongOutput(outputs, "labels, boxes and scores of one length");
  }
  const found: Candidate[] = [];
  for (let i = 0; i < count; i++) {
    const score = scores.data[i] ?? 0;
    if (!(score >= thresholds.score)) continue;
    const classIndex = Number(kinds.data[i]);
    if (classIndex < 0 || classIndex >= labels.length) {
      throw wrongOutput(outputs, `classes 0 to ${labels.length - 1}, as labels has them; there is ${classIndex}`);
    }
    const [left = 0, top = 0, right = 0, bottom = 0] = [0, 1, 2, 3].map((k) => boxes.data[i * 4 + k] ?? 0);
    found.push({ classIndex, score: Math.min(1, score), left, top, right, bottom });
  }
  return found;
}

function ofLogits(outputs: Outputs, manifest: ModelManifest): Candidate[] {
  const [logits, boxes] = [outputOf(outputs, "logits"), outputOf(outputs, "pred_boxes")];
  const queries = boxes.dims[1] ?? 0;
  const classes = manifest.labels.length;
  if (boxes.dims[2] !== 4 || logits.dims[1] !== queries || logits.dims[2] !== classes) {
    throw wrongOutput(outputs, `logits [1, queries, ${classes}] and pred_boxes [1, queries, 4]`);
  }
  return everyClass(
    queries,
    manifest,
    (query, k) => 1 / (1 + Math.exp(-(logits.data[query * classes + k] ?? 0))),
    (query, k) => boxes.data[query * 4 + k] ?? 0,
  );
}

function joined(outputs: Outputs, manifest: ModelManifest): Candidate[] {
  const { dims, data } = outputOf(outputs);
  const width = 4 + manifest.labels.length;
  const [one, queries = 0] = dims;
  if (dims.length !== 3 || one !== 1 || dims[2] !== width) throw wrongOutput(outputs, `[1, queries, ${width}]`);
  return everyClass(
    queries,
    manifest,
    (query, k) => data[query * width + 4 + k] ?? 0,
    (query, k) => data[query * width + k] ?? 0,
  );
}

/** One query may stand for several labels, as the authors take the best of queries × classes. */
function everyClass(
  queries: number,
  { labels, thresholds, input }: ModelManifest,
  scoreOf: (query: number, classIndex: number) => number,
  coordinate: (query: number, k: number) => number,
): Candidate[] {
  const found: Candidate[] = [];
  for (let query = 0; query < queries; query++) {
    for (let classIndex = 0; classIndex < labels.length; classIndex++) {
      const score = scoreOf(query, classIndex);
      if (!(score >= thresholds.score)) continue;
      const [x, y] = [coordinate(query, 0) * input.width, coordinate(query, 1) * input.height];
      const [width, height] = [coordinate(query, 2) * input.width, coordinate(query, 3) * input.height];
      const corners = { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
      found.push({ classIndex, score: Math.min(1, score), ...corners });
    }
  }
  return found;
}

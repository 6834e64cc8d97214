import type { Family, Outputs } from "./family.ts";
import type { ModelManifest } from "./manifest-schema.ts";
import { outputOf, wrongOutput } from "./model-output.ts";
import { type Candidate, suppress } from "./suppress.ts";

/**
 * One column an anchor: middle, width and height in pixels of the input, then the classes, already sigmoid; no objectness.
 * @source Ultralytics, Detect head as exported, and ops.non_max_suppression
 */
export const yolo: Family = {
  summary: "YOLOv8 and YOLO11 detection, exported without suppression in the graph",
  input: { colour: "rgb", scale: 1 / 255, fit: "letterbox-centre" },
  open: (manifest) => ({ decode: (outputs) => suppress(candidates(outputs, manifest), manifest.thresholds.iou) }),
};

function candidates(outputs: Outputs, { labels, thresholds }: ModelManifest): Candidate[] {
  const { dims, data } = outputOf(outputs);
  const [one, rows, count] = dims;
  if (dims.length !== 3 || one !== 1 || rows !== 4 + labels.length || count === undefined) {
    throw wrongOutput(outputs, `[1, ${4 + labels.length}, anchors]: 4 and ${labels.length} labels`);
  }
  const at = (row: number, column: number): number => data[row * count + column] ?? 0;
  const found: Candidate[] = [];
  for (let column = 0; column < count; column++) {
    let classIndex = 0;
    let score = at(4, column);
    for (let k = 1; k < labels.length; k++) {
      const other = at(4 + k, column);
      if (other > score) {
        score = other;
        classIndex = k;
      }
    }
    if (!(score >= thresholds.score)) continue;
    const [x, y] = [at(0, column), at(1, column)];
    const [halfWidth, halfHeight] = [at(2, column) / 2, at(3, column) / 2];
    const corners = { left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight };
    found.push({ classIndex, score: Math.min(1, score), ...corners });
  }
  return found;
}

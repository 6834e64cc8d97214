import type { Family, Outputs } from "./family.ts";
import type { ModelManifest } from "./manifest-schema.ts";
import { outputOf, wrongOutput } from "./model-output.ts";
import { type Candidate, suppress } from "./suppress.ts";

/**
 * One row an anchor: x, y, log width, log height in strides from the anchor's cell, objectness, then the classes, these
 * already sigmoid. Score = objectness × class, the best class of each row.
 * @source Megvii YOLOX, utils.demo_utils demo_postprocess and utils.boxes postprocess
 */
export const yolox: Family = {
  summary: "YOLOX of any size, exported without decoding in the graph",
  input: { colour: "bgr", scale: 1, fit: "letterbox-top-left" },
  open: (manifest) => {
    const cells = cellsOf(manifest);
    return { decode: (outputs) => suppress(candidates(outputs, manifest, cells), manifest.thresholds.iou) };
  },
};

interface Cells {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly stride: Float32Array;
}

function candidates(outputs: Outputs, { labels, thresholds, strides }: ModelManifest, cells: Cells): Candidate[] {
  const { dims, data } = outputOf(outputs);
  const width = 5 + labels.length;
  if (dims.length !== 3 || dims[0] !== 1 || dims[1] !== cells.count || dims[2] !== width) {
    const grids = `${cells.count} cells at strides ${strides.join(", ")}`;
    throw wrongOutput(outputs, `[1, ${cells.count}, ${width}]: ${grids}, ${labels.length} labels`);
  }
  const found: Candidate[] = [];
  for (let cell = 0; cell < cells.count; cell++) {
    const row = cell * width;
    const objectness = data[row + 4] ?? 0;
    if (objectness < thresholds.score) continue;
    let classIndex = 0;
    for (let k = 1; k < labels.length; k++) {
      if ((data[row + 5 + k] ?? 0) > (data[row + 5 + classIndex] ?? 0)) classIndex = k;
    }
    const score = objectness * (data[row + 5 + classIndex] ?? 0);
    if (!(score >= thresholds.score)) continue;
    const stride = cells.stride[cell] ?? 1;
    const x = ((data[row] ?? 0) + (cells.x[cell] ?? 0)) * stride;
    const y = ((data[row + 1] ?? 0) + (cells.y[cell] ?? 0)) * stride;
    const halfWidth = (Math.exp(data[row + 2] ?? 0) * stride) / 2;
    const halfHeight = (Math.exp(data[row + 3] ?? 0) * stride) / 2;
    const corners = { left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight };
    found.push({ classIndex, score: Math.min(1, score), ...corners });
  }
  return found;
}

function cellsOf({ input, strides }: ModelManifest): Cells {
  const grids = strides.map((stride) => ({
    stride,
    columns: Math.floor(input.width / stride),
    rows: Math.floor(input.height / stride),
  }));
  const count = grids.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
  const cells = {
    count,
    x: new Float32Array(count),
    y: new Float32Array(count),
    stride: new Float32Array(count),
  };
  let at = 0;
  for (const { stride, columns, rows } of grids) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        cells.x[at] = x;
        cells.y[at] = y;
        cells.stride[at] = stride;
      }
    }
  }
  return cells;
}

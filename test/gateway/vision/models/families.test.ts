import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { Detector } from "../../../../gateway/vision/models/detector.ts";
import { place } from "../../../../gateway/vision/models/fit.ts";
import type { ModelInput } from "../../../../gateway/vision/models/manifest-schema.ts";
import type { Picture } from "../../../../gateway/vision/models/picture.ts";
import { readModel } from "../../../../gateway/vision/models/read-manifest.ts";
import { antialiasTaps, bilinearTaps, type Taps } from "../../../../gateway/vision/models/resample.ts";
import { InputWriter } from "../../../../gateway/vision/models/to-input.ts";
import { seededRandom } from "../../../site/seeded-random.ts";

const GRAPHS = fileURLToPath(new URL("./graphs/", import.meta.url));
const NANO = fileURLToPath(new URL("../../../../../shared/models/yolox-nano/", import.meta.url));
const BLUE = [0, 0, 255] as const;
const RED = [255, 0, 0] as const;
const GREEN = [0, 255, 0] as const;

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "shao-families-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function plain(width: number, height: number, colour: readonly [number, number, number]): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < rgb.length; at++) rgb[at] = colour[at % 3] ?? 0;
  return { width, height, rgb };
}

/** A folder with one of the graphs and a manifest of the given keys. */
async function model(graph: string, name: string, manifest: object, within = scratch): Promise<string> {
  const folder = join(within, name);
  await mkdir(folder, { recursive: true });
  await copyFile(join(GRAPHS, `${graph}.onnx`), join(folder, "model.onnx"));
  const sha256 = createHash("sha256")
    .update(await readFile(join(folder, "model.onnx")))
    .digest("hex");
  const whole = { name, sha256, licence: "Apache-2.0", labels: ["truck", "person"], ...manifest };
  await writeFile(join(folder, "manifest.yaml"), stringify(whole));
  return folder;
}

async function seen(folder: string, picture: Picture): Promise<unknown[]> {
  const detector = await Detector.open(await readModel(folder));
  const { detections } = await detector.detect(picture);
  await detector.close();
  return detections.map(({ label, score, box }) => [label, near(score), box.map(near)]);
}

const near = (value: number): number => Number(value.toFixed(3));
const side64 = { width: 64, height: 64 };

test("YOLOX: rows are decoded by their cells, the weaker of two boxes of a class goes, another class stays", async () => {
  const folder = await model("yolox", "yolox", {
    family: "yolox",
    input: { ...side64, colour: "bgr", fit: "letterbox-top-left" },
  });
  const wanted = [
    ["truck", 0.72, [4, 0, 16, 24]],
    ["person", 0.72, [4, 0, 16, 24]],
    ["truck", 0.63, [32, 24, 16, 24]],
  ];
  const found = await seen(folder, plain(64, 64, BLUE));
  expect(found).toHaveLength(3);
  expect(found).toEqual(expect.arrayContaining(wanted));
  // Twice as large a picture, half filled below: boxes come back in its own pixels, and the padding dims the score.
  const wide = await seen(folder, plain(128, 64, BLUE));
  expect(wide).toContainEqual(["truck", near(0.72 * (0.5 + (0.5 * 114) / 255)), [8, 0, 32, 48]]);
  expect(await seen(folder, plain(64, 64, RED))).toEqual([]);
});

test("YOLOv8 and 11: columns are decoded, scaled and centred", async () => {
  const folder = await model("yolo", "yolo", {
    family: "yolo11",
    input: { ...side64, scale: 1 / 255, fit: "letterbox-centre" },
  });
  const wanted = [
    ["truck", 0.9, [22, 16, 20, 16]],
    ["person", 0.7, [23, 17, 20, 16]],
    ["person", 0.6, [4, 12, 12, 40]],
  ];
  expect(await seen(folder, plain(64, 64, RED))).toEqual(wanted);
  expect(await seen(folder, plain(64, 64, BLUE))).toEqual([]);
  // 128 × 64 lies in rows 16 to 48 of the input.
  const wide = await seen(folder, plain(128, 64, RED));
  expect(wide[0]).toEqual(["truck", near(0.9 * (0.5 + (0.5 * 114) / 255)), [44, 0, 40, 32]]);
});

describe("RT-DETR and D-FINE", () => {
  const input = { ...side64, scale: 1 / 255, fit: "stretch", resample: "antialias" };

  test("as their authors export them: the graph is told the size and gives corners", async () => {
    const folder = await model("rt-detr-authors", "authors", { family: "d-fine", input });
    expect(await seen(folder, plain(128, 32, RED))).toEqual([
      ["person", 0.9, [32, 8, 64, 8]],
      ["truck", 0.6, [0, 16, 64, 16]],
    ]);
  });

  test.each(["rt-detr-transformers", "rt-detr-ultralytics"])(
    "%s: middles and sizes, several labels a query",
    async (graph) => {
      const folder = await model(graph, graph, { family: "rt-detr", input });
      expect(await seen(folder, plain(128, 32, RED))).toEqual([
        ["person", 0.9, [32, 8, 64, 8]],
        ["truck", 0.7, [32, 8, 64, 8]],
        ["truck", 0.6, [0, 16, 64, 16]],
      ]);
    },
  );
});

test("a second stage judges the crops of its labels, and small ones stay as they are", async () => {
  const input = { ...side64, colour: "bgr", fit: "stretch" };
  const second = { model: "bed", of: ["truck"], leastSidePx: 10 };
  const folder = await model("yolox", "two", { family: "yolox", input, secondStage: second });
  const bed = {
    family: "classifier",
    labels: ["uncovered", "covered"],
    input: { width: 8, height: 8, scale: 1 / 255, fit: "stretch" },
  };
  await model("classifier", "bed", { ...bed, thresholds: { score: 0.6 } }, folder);
  const picture = plain(64, 64, BLUE);
  // Below the third box lies red, below the first green; blue says that there is no light of either kind.
  const paint = (left: number, top: number, right: number, bottom: number, colour: readonly number[]) => {
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) picture.rgb.set([...colour.slice(0, 2), 255], (y * 64 + x) * 3);
  };
  paint(32, 24, 48, 48, RED);
  paint(4, 0, 20, 24, GREEN);
  const found = await seen(folder, picture);
  expect(found.map((one) => (one as unknown[])[0])).toEqual(
    expect.arrayContaining(["person", "truck/covered", "truck/uncovered"]),
  );
  const alone = await seen(join(folder, "bed"), plain(20, 10, RED));
  expect(alone).toEqual([["uncovered", near(Math.exp(4) / (Math.exp(4) + 1)), [0, 0, 20, 10]]]);
});

test.each([true, false])(
  "resampling gives the bytes that OpenCV and Pillow give, vector instructions %s",
  async (isSimd) => {
    const cases = JSON.parse(await readFile(join(GRAPHS, "reference.json"), "utf8")) as Record<string, number[]>;
    for (const [name, wanted] of Object.entries(cases)) {
      const [, resample, width, height] = /^(\w+) (\d+)x(\d+)/.exec(name) ?? [];
      const size = { width: Number(width), height: Number(height) };
      const rgb = new Uint8Array(size.width * size.height * 3);
      for (let y = 0; y < size.height; y++)
        for (let x = 0; x < size.width; x++)
          for (let c = 0; c < 3; c++)
            rgb[(y * size.width + x) * 3 + c] = (x * 7 + y * 13 + c * 50 + ((x * y) % 11) * 9) % 256;
      const input = {
        width: 12,
        height: 12,
        layout: "nhwc",
        colour: "rgb",
        scale: 1,
        mean: [0, 0, 0],
        std: [1, 1, 1],
        fit: "stretch",
        padding: 0,
        resample: resample === "antialias" ? "antialias" : "bilinear",
      } satisfies ModelInput;
      const writer = new InputWriter(input, isSimd);
      writer.write({ ...size, rgb });
      const worst = Math.max(...wanted.map((value, at) => Math.abs(value - (writer.values[at] ?? 0))));
      // Both compute in fixed point and round between their two passes.
      expect([name, worst <= 1]).toEqual([name, true]);
    }
  },
);

test("with vector instructions and without, pictures of any size come out the same, bit by bit", () => {
  const random = seededRandom(Number(process.env["SHAO_SEED"] ?? 20261126));
  const whole = (most: number) => 1 + Math.floor(random() * most);
  for (let round = 0; round < 120; round += 1) {
    const input = {
      ...{ width: whole(90), height: whole(70), padding: whole(255) },
      ...{ scale: 1 / 255, mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 0.2] },
      layout: (["nchw", "nhwc"] as const)[whole(2) - 1] ?? "nchw",
      colour: (["rgb", "bgr"] as const)[whole(2) - 1] ?? "rgb",
      fit: (["stretch", "letterbox-top-left", "letterbox-centre"] as const)[whole(3) - 1] ?? "stretch",
      resample: (["antialias", "bilinear"] as const)[whole(2) - 1] ?? "bilinear",
    };
    const [simd, plain] = [new InputWriter(input), new InputWriter(input, false)];
    // Other sizes on the way, smaller and larger, as of crops.
    for (const size of [1, 2, 3, 4].map(() => ({ width: whole(200), height: whole(150) }))) {
      const rgb = Uint8Array.from({ length: size.width * size.height * 3 }, () => Math.floor(random() * 256));
      expect(simd.write({ ...size, rgb })).toEqual(plain.write({ ...size, rgb }));
      const bytesOf = ({ values }: InputWriter) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
      const same = bytesOf(simd).equals(bytesOf(plain));
      expect([round, input, size, same]).toEqual([round, input, size, true]);
    }
  }
});

test.each([bilinearTaps, antialiasTaps])("weights of %o sum to one and stay inside", (taps) => {
  for (const [from, to] of [
    [1, 8],
    [3, 2],
    [640, 320],
    [360, 416],
    [1080, 17],
  ] as const) {
    const { first, count, weights }: Taps = taps(from, to);
    for (let i = 0; i < to; i++) {
      const sum = weights.subarray(i * count, (i + 1) * count).reduce((total, weight) => total + weight, 0);
      expect(sum).toBeCloseTo(1, 5);
      const last = (first[i] ?? 0) + weights.subarray(i * count, (i + 1) * count).findLastIndex((weight) => weight > 0);
      expect(first[i]).toBeGreaterThanOrEqual(0);
      expect(last).toBeLessThan(from);
    }
  }
});

test("a letterbox lies where the families' own tools put it", () => {
  const input = { width: 640, height: 640 };
  expect(place("letterbox-centre", { width: 1280, height: 721 }, input)).toMatchObject({
    left: 0,
    top: 140,
    height: 360,
  });
  expect(place("letterbox-top-left", { width: 640, height: 425 }, { width: 416, height: 416 })).toMatchObject({
    top: 0,
    height: 276,
  });
});

test("normalisation is byte × scale − mean over std, in the order of the model's channels", () => {
  const writer = new InputWriter({
    width: 8,
    height: 8,
    layout: "nchw",
    colour: "bgr",
    scale: 1 / 255,
    mean: [0.1, 0.2, 0.3],
    std: [0.5, 0.25, 0.2],
    fit: "stretch",
    padding: 0,
    resample: "bilinear",
  });
  writer.write(plain(8, 8, [255, 51, 0]));
  const plane = (channel: number) => writer.values[channel * 64 + 10];
  expect(plane(0)).toBeCloseTo((0 - 0.1) / 0.5, 5);
  expect(plane(1)).toBeCloseTo((0.2 - 0.2) / 0.25, 5);
  expect(plane(2)).toBeCloseTo((1 - 0.3) / 0.2, 5);
});

test("a model that is not what its manifest says is refused with a reason", async () => {
  const input = { ...side64, fit: "letterbox-top-left" };
  const folder = await model("yolox", "wrong", { family: "yolo11", input });
  const detector = await Detector.open(await readModel(folder));
  await expect(detector.detect(plain(64, 64, RED))).rejects.toMatchObject({ code: "MODEL_OUTPUT" });
  await detector.close();
  const other = await model("yolox", "other", { family: "yolox", input: { ...input, width: 128 } });
  await expect(Detector.open(await readModel(other))).rejects.toMatchObject({ code: "MODEL_INPUT" });
  await writeFile(join(folder, "model.onnx"), "no graph");
  await expect(readModel(folder)).rejects.toMatchObject({ code: "MODEL_HASH" });
  const faulty = await model("yolox", "faulty", {
    family: "yolox",
    input: { width: 64, fit: "squeeze" },
    colour: "bgr",
  });
  const said = await readModel(faulty).then(String, String);
  for (const part of ["height", "squeeze", "colour"]) expect(said).toContain(part);
  const unknown = await model("yolox", "unknown", { family: "ssd", input });
  await expect(readModel(unknown)).rejects.toMatchObject({ code: "MODEL_FAMILY" });
  const secondStage = { model: "bed", of: ["truck"] };
  const three = await model("yolox", "three", { family: "yolox", input, secondStage });
  await model("classifier", "bed", { family: "classifier", input, secondStage }, three);
  await expect(readModel(three)).rejects.toThrow("it has a second stage itself");
  await model("classifier", "bed", { family: "classifier", input }, three);
  await expect(readModel(three)).resolves.toMatchObject({ secondStage: { manifest: { name: "bed" } } });
  const none = await model("yolox", "three", { family: "yolox", input, secondStage: { ...secondStage, of: ["bus"] } });
  await expect(readModel(none)).rejects.toThrow('the detector has no label "bus"');
  await model("yolox", "three", { family: "yolox", input, secondStage });
  await model("yolox", "bed", { family: "yolox", input }, three);
  await expect(readModel(three)).rejects.toThrow("it is no classifier");
  const junk = await model("yolox", "junk", {
    family: "yolox",
    input,
    sha256: createHash("sha256").update("junk").digest("hex"),
  });
  await writeFile(join(junk, "model.onnx"), "junk");
  await expect(Detector.open(await readModel(junk))).rejects.toMatchObject({ code: "MODEL_GRAPH" });
});

/** The figures of the README beside that model, of a reference implementation. */
const PHOTOS = [
  { file: "000000000724.jpg", wanted: [["stop sign", 0.97]] },
  {
    file: "000000000785.jpg",
    wanted: [
      ["person", 0.89],
      ["skis", 0.74],
    ],
  },
] as const;

const isThere = existsSync(NANO);
if (!isThere) console.warn("SKIPPED: YOLOX-nano is not at ../shared/models/yolox-nano, so no real detector was tried");

test.skipIf(!isThere)("YOLOX-nano sees on photos what its reference implementation sees", async () => {
  const folder = join(scratch, "nano");
  await mkdir(folder);
  await copyFile(join(NANO, "model.onnx"), join(folder, "model.onnx"));
  const labels = Array.from(
    { length: 80 },
    (_, index) => ({ 0: "person", 11: "stop sign", 30: "skis" })[index] ?? `c${index}`,
  );
  const sha256 = "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14";
  const input = { width: 416, height: 416, colour: "bgr", fit: "letterbox-top-left" };
  await writeFile(
    join(folder, "manifest.yaml"),
    stringify({ name: "nano", family: "yolox", sha256, licence: "Apache-2.0", labels, input }),
  );
  const detector = await Detector.open(await readModel(folder));
  for (const { file, wanted } of PHOTOS) {
    const { data, info } = await sharp(join(NANO, "images", file))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { detections } = await detector.detect({ width: info.width, height: info.height, rgb: data });
    expect(detections.map(({ label }) => label)).toEqual(wanted.map(([label]) => label));
    for (const [index, [, score]] of wanted.entries())
      expect(Math.abs((detections[index]?.score ?? 0) - score)).toBeLessThan(0.01);
  }
  await detector.close();
});

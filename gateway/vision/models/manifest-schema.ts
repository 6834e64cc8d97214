import { type Static, Type } from "typebox";

const Side = (title: string) => Type.Integer({ minimum: 8, maximum: 4096, title, examples: [416] });
const ThreeNumbers = (title: string, value: readonly number[]) =>
  Type.Array(Type.Number(), { minItems: 3, maxItems: 3, default: [...value], title, examples: [[...value]] });

/** How a picture becomes the model's input: value = (byte × scale − mean) ÷ std, each channel in the order of `colour`. */
export const ModelInput = Type.Object(
  {
    width: Side("Width, pixels"),
    height: Side("Height, pixels"),
    layout: Type.Union([Type.Literal("nchw"), Type.Literal("nhwc")], { default: "nchw", title: "Order of the axes" }),
    colour: Type.Union([Type.Literal("rgb"), Type.Literal("bgr")], { default: "rgb", title: "Order of the channels" }),
    scale: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 1, title: "Factor of each byte" }),
    mean: ThreeNumbers("Subtracted after the factor", [0, 0, 0]),
    std: ThreeNumbers("Divisor after that", [1, 1, 1]),
    fit: Type.Union([Type.Literal("letterbox-top-left"), Type.Literal("letterbox-centre"), Type.Literal("stretch")], {
      title: "How another shape is fitted",
      description: "YOLOX: letterbox-top-left. YOLOv8 and 11: letterbox-centre. RT-DETR and D-FINE: stretch.",
      examples: ["letterbox-centre"],
    }),
    padding: Type.Integer({ minimum: 0, maximum: 255, default: 114, title: "Grey of what a letterbox adds" }),
    resample: Type.Union([Type.Literal("bilinear"), Type.Literal("antialias")], {
      default: "bilinear",
      title: "Resampling",
      description:
        "`bilinear` weighs four pixels as OpenCV does; `antialias` all that a pixel covers, as Pillow and torchvision do.",
    }),
  },
  { title: "Input", examples: [{ width: 416, height: 416, fit: "letterbox-top-left" }] },
);
export type ModelInput = Static<typeof ModelInput>;

/** The file `manifest.yaml` beside a detector: all that is needed to use it, and whose it is. */
export const ModelManifest = Type.Object(
  {
    name: Type.String({
      pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
      title: "Name",
      expected: "a name of small letters, digits and -",
      examples: ["site-watch"],
    }),
    family: Type.String({ minLength: 1, maxLength: 32, title: "Family", examples: ["yolox"] }),
    file: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
      default: "model.onnx",
      title: "File of the graph, beside the manifest",
    }),
    sha256: Type.String({
      pattern: "^[0-9a-f]{64}$",
      title: "SHA-256 of that file",
      description: "A file with another hash is not used.",
      expected: "64 hex digits",
      examples: ["695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14"],
    }),
    licence: Type.String({ minLength: 1, maxLength: 100, title: "Licence", examples: ["Apache-2.0"] }),
    origin: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        title: "Where it comes from",
        examples: ["trained by the operator"],
      }),
    ),
    labels: Type.Array(Type.String({ pattern: "^[^/\\s][^/]{0,62}$", expected: "a label without /" }), {
      minItems: 1,
      maxItems: 10_000,
      title: "Labels, in the order of the model's classes",
      examples: [["truck", "person"]],
    }),
    input: ModelInput,
    thresholds: Type.Object(
      {
        score: Type.Number({ minimum: 0, maximum: 1, default: 0.4, title: "Least score" }),
        iou: Type.Number({ minimum: 0, maximum: 1, default: 0.45, title: "Overlap above which the weaker box goes" }),
      },
      { default: {}, title: "Thresholds" },
    ),
    strides: Type.Array(Type.Integer({ minimum: 1, maximum: 256 }), {
      default: [8, 16, 32],
      minItems: 1,
      maxItems: 8,
      title: "Strides of the grids (yolox)",
    }),
    activation: Type.Union([Type.Literal("softmax"), Type.Literal("sigmoid"), Type.Literal("none")], {
      default: "softmax",
      title: "What makes scores of the output (classifier)",
    }),
    secondStage: Type.Optional(
      Type.Object(
        {
          model: Type.String({
            pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
            title: "Folder of a classifier, inside this one",
            examples: ["bed"],
          }),
          of: Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
            minItems: 1,
            title: "Labels whose crops it looks at",
            examples: [["truck"]],
          }),
          margin: Type.Number({ minimum: 0, maximum: 1, default: 0, title: "Share of the box added on each side" }),
          leastSidePx: Type.Integer({ minimum: 1, maximum: 4096, default: 24, title: "A smaller crop is not judged" }),
        },
        { title: "Second stage", examples: [{ model: "bed", of: ["truck"] }] },
      ),
    ),
  },
  { title: "Model", expected: "a model's manifest: name, family, sha256, licence, labels, input" },
);
export type ModelManifest = Static<typeof ModelManifest>;

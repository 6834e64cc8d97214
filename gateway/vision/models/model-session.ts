import { GatewayError } from "../../contracts/gateway-error.ts";
import { familyOf } from "./families.ts";
import type { FamilyModel, Outputs } from "./family.ts";
import { boxInPicture } from "./fit.ts";
import type { ModelManifest } from "./manifest-schema.ts";
import { InferenceSession, Tensor } from "./onnx-runtime.ts";
import type { Detection, Picture } from "./picture.ts";
import type { ModelFiles } from "./read-graph.ts";
import { InputWriter } from "./to-input.ts";

/** One thread, no spinning: an idle detector costs nothing, and a busy one leaves the other cores alone. */
const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
};

export interface DetectionTimes {
  readonly preprocessMs: number;
  readonly inferenceMs: number;
  readonly postprocessMs: number;
}

export interface Detected extends DetectionTimes {
  readonly detections: readonly Detection[];
}

/** One graph with its family's reading of it. One picture at a time. */
export class ModelSession {
  readonly manifest: ModelManifest;
  readonly #session: InferenceSession;
  readonly #family: FamilyModel;
  readonly #writer: InputWriter;
  readonly #feeds: Record<string, Tensor> = {};
  readonly #imageInput: string;

  private constructor(manifest: ModelManifest, session: InferenceSession, imageInput: string) {
    this.manifest = manifest;
    this.#session = session;
    this.#family = familyOf(manifest.family).open(manifest, session.inputNames);
    this.#writer = new InputWriter(manifest.input);
    this.#imageInput = imageInput;
    for (const [name, { type, values }] of Object.entries(this.#family.extraInputs ?? {})) {
      const data = type === "int64" ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
      this.#feeds[name] = new Tensor(type, data, [1, values.length]);
    }
  }

  /** @throws GatewayError MODEL_GRAPH, MODEL_INPUT */
  static async open({ manifest, bytes }: ModelFiles): Promise<ModelSession> {
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(bytes, OPTIONS);
    } catch (error) {
      throw new GatewayError("MODEL_GRAPH", `the graph of ${manifest.name} cannot be loaded: ${firstLine(error)}`, {
        hint: "Export it as ONNX with opset 13 to 21, in float32, without custom operators.",
        cause: error,
      });
    }
    return new ModelSession(manifest, session, imageInputOf(manifest, session));
  }

  async detect(picture: Picture): Promise<Detected> {
    const startedMs = performance.now();
    const placement = this.#writer.write(picture);
    this.#feedPicture();
    const preparedMs = performance.now();
    const outputs = await this.#session.run(this.#feeds);
    const ranMs = performance.now();
    const detections: Detection[] = [];
    for (const { classIndex, score, ...corners } of this.#family.decode(asNumbers(outputs))) {
      const box = boxInPicture(corners, placement, picture);
      const label = this.manifest.labels[classIndex];
      if (box !== undefined && label !== undefined) detections.push({ label, score, box });
    }
    return {
      detections,
      preprocessMs: preparedMs - startedMs,
      inferenceMs: ranMs - preparedMs,
      postprocessMs: performance.now() - ranMs,
    };
  }

  #feedPicture(): void {
    const { values } = this.#writer;
    if (this.#feeds[this.#imageInput]?.data === values) return;
    const { width, height, layout } = this.manifest.input;
    const dims = layout === "nchw" ? [1, 3, height, width] : [1, height, width, 3];
    this.#feeds[this.#imageInput] = new Tensor("float32", values, dims);
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

function imageInputOf(manifest: ModelManifest, session: InferenceSession): string {
  const { width, height, layout } = manifest.input;
  const wanted = layout === "nchw" ? [1, 3, height, width] : [1, height, width, 3];
  const found = session.inputMetadata.find((input) => input.isTensor && input.shape.length === 4);
  const said = session.inputMetadata.map((input) =>
    input.isTensor ? `${input.name} ${input.type} [${input.shape.join(", ")}]` : input.name,
  );
  const fits =
    found?.isTensor === true &&
    found.type === "float32" &&
    found.shape.every((side, axis) => typeof side !== "number" || side <= 0 || side === wanted[axis]);
  if (found !== undefined && fits) return found.name;
  throw new GatewayError(
    "MODEL_INPUT",
    `${manifest.name} takes ${said.join(", ")}; its manifest says float32 [${wanted.join(", ")}]`,
    {
      hint: "Correct width, height and layout under input in manifest.yaml, or export the model in float32.",
    },
  );
}

function asNumbers(outputs: InferenceSession.OnnxValueMapType): Outputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => {
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
        return [name, { dims, data: Array.from(data, Number) }];
      }
      if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Float64Array) {
        return [name, { dims, data }];
      }
      throw new GatewayError("MODEL_OUTPUT", `the model gives ${name} as neither float32, float64, int32 nor int64`, {
        hint: "Export the model with outputs in float32.",
      });
    }),
  );
}

function firstLine(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return said.split("\n")[0] ?? "";
}

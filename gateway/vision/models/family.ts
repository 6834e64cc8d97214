import type { ModelManifest } from "./manifest-schema.ts";
import type { Candidate } from "./suppress.ts";

/** One output of the graph, as numbers whatever its type was. */
export interface OutputTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

export type Outputs = Readonly<Record<string, OutputTensor>>;

/** What a family says once a model of it is there. */
export interface FamilyModel {
  /** Inputs beside the picture, by name. */
  readonly extraInputs?: Readonly<Record<string, { readonly type: "int64" | "float32"; readonly values: number[] }>>;
  /**
   * Boxes in pixels of the input, scores of at least `thresholds.score`.
   * @throws GatewayError MODEL_OUTPUT where the graph's outputs are not those of the family
   */
  decode(outputs: Outputs): readonly Candidate[];
}

/** A way to write the results of detection into tensors. One file beside this one makes a family. */
export interface Family {
  readonly summary: string;
  /** What `shao models add` takes where it is told nothing else. */
  readonly input: {
    readonly colour: "rgb" | "bgr";
    readonly scale: number;
    readonly mean?: readonly number[];
    readonly std?: readonly number[];
    readonly fit: "letterbox-top-left" | "letterbox-centre" | "stretch";
    readonly resample?: "bilinear" | "antialias";
  };
  /** @param inputNames names of the graph's inputs */
  open(manifest: ModelManifest, inputNames: readonly string[]): FamilyModel;
}

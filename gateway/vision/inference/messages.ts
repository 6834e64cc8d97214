import type { Sha256 } from "../../../protocol/ids.ts";
import type { Detected } from "../models/model-session.ts";
import type { ModelPlan } from "../models/read-graph.ts";

/** The picture's bytes follow on the child's own pipe: a message would be copied four times. */
export type ToInference =
  | { readonly kind: "open"; readonly plan: ModelPlan }
  | { readonly kind: "detect"; readonly id: number; readonly width: number; readonly height: number };

export interface OpenedModel {
  readonly name: string;
  readonly sha256: Sha256;
  readonly licence: string;
  readonly labels: readonly string[];
  /** All that a picture can be said to show: `truck`, and `truck/covered` where a second stage tells kinds of it apart. */
  readonly sees: readonly string[];
  readonly classifier?: Pick<OpenedModel, "name" | "sha256" | "licence" | "labels">;
}

export type FromInference =
  | { readonly kind: "opened"; readonly model: OpenedModel }
  | { readonly kind: "detected"; readonly id: number; readonly detected: Detected }
  | {
      readonly kind: "failed";
      /** Of the picture; absent where the model could not be opened. */
      readonly id?: number;
      readonly code: string;
      readonly message: string;
      readonly hint: string;
    };

/** The descriptor of the pipe in the child: after stdin, stdout, stderr and the channel. */
export const PICTURE_PIPE = 4;

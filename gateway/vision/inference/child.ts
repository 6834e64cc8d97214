import { readSync } from "node:fs";
import { setPriority } from "node:os";
import { GatewayError } from "../../contracts/gateway-error.ts";
import { Detector } from "../models/detector.ts";
import { type ModelFiles, type ModelPlan, readGraphs } from "../models/read-graph.ts";
import { seenLabels } from "../models/seen-labels.ts";
import { type FromInference, type OpenedModel, PICTURE_PIPE, type ToInference } from "./messages.ts";

/** Meters are polled on time while this process computes. */
const PRIORITY = 5;

/**
 * The process in which models run: native code that aborts takes only this along. It does one picture at a time, and ends
 * when its parent has gone, however that ended.
 */
class InferenceChild {
  #detector: Detector | undefined;
  #picture = new Uint8Array(0);

  async take(message: ToInference): Promise<void> {
    const id = message.kind === "detect" ? { id: message.id } : {};
    try {
      if (message.kind === "open") say({ kind: "opened", model: await this.#open(message.plan) });
      else await this.#detect(message.id, message.width, message.height);
    } catch (error) {
      const [code, hint] = error instanceof GatewayError ? [error.code, error.hint] : ["INFERENCE_FAULT", HINT];
      say({ kind: "failed", ...id, code, message: error instanceof Error ? error.message : String(error), hint });
    }
  }

  async #open(plan: ModelPlan): Promise<OpenedModel> {
    const files = await readGraphs(plan);
    this.#detector = await Detector.open(files);
    const opened = { ...facts(files), sees: seenLabels(files) };
    return files.secondStage === undefined ? opened : { ...opened, classifier: facts(files.secondStage) };
  }

  async #detect(id: number, width: number, height: number): Promise<void> {
    const sizeBytes = width * height * 3;
    if (this.#picture.length !== sizeBytes) this.#picture = new Uint8Array(sizeBytes);
    readWhole(this.#picture);
    if (this.#detector === undefined) throw new TypeError("a picture came before a model");
    say({ kind: "detected", id, detected: await this.#detector.detect({ width, height, rgb: this.#picture }) });
  }
}

const HINT = "Report it with the model's manifest and the log around it.";

function facts({ manifest: { name, sha256, licence, labels } }: ModelFiles) {
  return { name, sha256, licence, labels };
}

/** Blocks: there is nothing else to do until the picture is here. An end of the pipe is the end of the parent. */
function readWhole(into: Uint8Array): void {
  for (let at = 0; at < into.length; ) {
    const count = readSync(PICTURE_PIPE, into, at, into.length - at, null);
    if (count === 0) process.exit(0);
    at += count;
  }
}

function say(message: FromInference): void {
  process.send?.(message);
}

const child = new InferenceChild();
setPriority(PRIORITY);
// Ctrl-C reaches the whole group of processes: the parent decides when this one ends.
process.on("SIGINT", () => undefined);
process.on("message", (message) => void child.take(message as ToInference));
process.on("disconnect", () => process.exit(0));

import { type Detected, ModelSession } from "./model-session.ts";
import { crop, type Detection, type Picture } from "./picture.ts";
import type { ModelFiles } from "./read-graph.ts";

/** A detector with its second stage, if it has one. One picture at a time. */
export class Detector {
  readonly #first: ModelSession;
  readonly #second: ModelSession | undefined;
  /** A crop is over before the next one is made. */
  #room = new Uint8Array();

  private constructor(first: ModelSession, second: ModelSession | undefined) {
    this.#first = first;
    this.#second = second;
  }

  /** @throws GatewayError MODEL_GRAPH, MODEL_INPUT */
  static async open(files: ModelFiles): Promise<Detector> {
    const first = await ModelSession.open(files);
    const second = files.secondStage === undefined ? undefined : await ModelSession.open(files.secondStage);
    return new Detector(first, second);
  }

  /**
   * @returns boxes in pixels of the picture, strongest first. A label that the second stage judged reads `truck/uncovered`
   * and keeps the first stage's score; one that it could not judge stays as it was.
   * @throws GatewayError MODEL_OUTPUT
   */
  async detect(picture: Picture): Promise<Detected> {
    const found = await this.#first.detect(picture);
    const stage = this.#first.manifest.secondStage;
    if (this.#second === undefined || stage === undefined) return found;
    const detections: Detection[] = [];
    let { preprocessMs, inferenceMs, postprocessMs } = found;
    for (const detection of found.detections) {
      const [, , width, height] = detection.box;
      if (!stage.of.includes(detection.label) || Math.min(width, height) < stage.leastSidePx) {
        detections.push(detection);
        continue;
      }
      const startedMs = performance.now();
      if (this.#room.length < picture.rgb.length) this.#room = new Uint8Array(picture.rgb.length);
      const part = crop(picture, detection.box, stage.margin, this.#room);
      preprocessMs += performance.now() - startedMs;
      const judged = await this.#second.detect(part);
      preprocessMs += judged.preprocessMs;
      inferenceMs += judged.inferenceMs;
      postprocessMs += judged.postprocessMs;
      const kind = judged.detections[0]?.label;
      detections.push(kind === undefined ? detection : { ...detection, label: `${detection.label}/${kind}` });
    }
    return { detections, preprocessMs, inferenceMs, postprocessMs };
  }

  async close(): Promise<void> {
    await this.#first.close();
    await this.#second?.close();
  }
}

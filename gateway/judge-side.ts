import type { DeviceReading } from "./contracts/readings.ts";
import type { CameraSide, CameraTrouble, Judgement } from "./contracts/vision.ts";
import { NightClock } from "./pipeline/night-clock.ts";
import { Judge } from "./vision/judge/judge.ts";
import { modelFolder } from "./vision/models/model-folder.ts";
import type { VisionOptions } from "./vision-options.ts";

/** A speed that old says nothing of now. */
const SPEED_HOLDS_MS = 10_000;
/** Loading and one restart pass unsaid. */
const BLIND_AFTER_MS = 60_000;

const NOT_READY: CameraTrouble = {
  code: "INFERENCE_DOWN",
  message: "the model that judges its pictures does not run",
  hint: "It is started again by itself; the log says why it ended.",
};

/** What judges the pictures of a gateway's cameras. A gateway without a rule of kind `violation` never loads this. */
export class JudgeSide {
  readonly #judge: Judge;
  readonly #options: VisionOptions;
  #speed: { readonly mps: number; readonly upMs: number } | undefined;

  constructor(options: VisionOptions, cameras: CameraSide) {
    this.#options = options;
    const { config, clock, time, log, restored, position, write } = options;
    const { judge: settings } = config.vision;
    const night = new NightClock(config.timeZone);
    this.#judge = new Judge({
      settings,
      modelFolder: modelFolder(settings.model),
      rules: config.violations,
      cameras,
      masks: Object.fromEntries(config.cameras.map(({ id, masks }) => [id, masks])),
      clock,
      stamp: () => time.stamp(),
      log,
      recent: restored.recentAlarms,
      position,
      speedMps: () => this.#speedNow(),
      isWithin: (atMs, from, to) => night.isWithin(atMs, from, to),
      write,
    });
  }

  get facts() {
    return this.#judge.facts;
  }

  /** Of the pictures of this camera. */
  judgement(cameraId: string): Judgement {
    const { inference, cameras } = this.#judge.facts;
    if (cameras[cameraId] === undefined) return { isBlind: false };
    const { state, downSinceUpMs, why } = inference;
    const isLong = downSinceUpMs !== undefined && this.#options.clock.upMs() - downSinceUpMs > BLIND_AFTER_MS;
    if (isLong) return { isBlind: true, words: why ?? NOT_READY };
    const blindness = this.#judge.blindness(cameraId);
    if (blindness?.isWhole === true) return { isBlind: true, words: blindness.words };
    return { isBlind: state === "ready" ? false : undefined, ...(blindness && { words: blindness.words }) };
  }

  /** The node's own speed: what a vehicle's receiver says, never that of somebody behind a radio. */
  heard({ reading, subject }: DeviceReading): void {
    if (reading.kind !== "position" || subject !== undefined || reading.speedMps === undefined) return;
    this.#speed = { mps: reading.speedMps, upMs: this.#options.clock.upMs() };
  }

  stop(): Promise<void> {
    return this.#judge.stop();
  }

  #speedNow(): number | undefined {
    if (this.#speed === undefined) return undefined;
    return this.#options.clock.upMs() - this.#speed.upMs <= SPEED_HOLDS_MS ? this.#speed.mps : undefined;
  }
}

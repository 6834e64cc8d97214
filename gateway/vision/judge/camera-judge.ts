import type { UnitPolygon } from "../../contracts/violations.ts";
import type { FrameSource, JudgedPicture, SeenObject, SmallFrame, UnitBox } from "../../contracts/vision.ts";
import type { Detection } from "../models/picture.ts";
import { MotionGate, type MotionSettings } from "./motion-gate.ts";
import { Tracker, type TrackerSettings } from "./tracker.ts";
import type { Decision, ViolationWatch } from "./violation-watch.ts";

export interface JudgedRule {
  readonly watch: ViolationWatch;
  readonly maxSpeedMps: number;
  isArmed(atMs: number): boolean;
  decided(decision: Decision): void;
}

export interface CameraJudgeOptions {
  readonly frames: FrameSource;
  readonly masks: readonly UnitPolygon[];
  readonly motion: Omit<MotionSettings, "masks">;
  readonly tracker: TrackerSettings;
  readonly rules: readonly JudgedRule[];
  /** Boxes in pixels of the frame. Rejects while no detector runs. */
  readonly detect: (frame: SmallFrame) => Promise<readonly Detection[]>;
  /** Resolves once `detect` may be asked again after it rejected. */
  readonly ready: () => Promise<unknown>;
  /** Of a vehicle; undefined where GPS does not say. */
  readonly speedMps: () => number | undefined;
  readonly onPicture: (picture: JudgedPicture) => void;
  readonly upMs: () => number;
}

export interface CameraJudgeFacts {
  readonly frames: number;
  readonly judged: number;
  readonly failed: number;
  readonly drivenPast: number;
  /** Of those judged, from the picture's arrival to its verdict, summed. */
  readonly delayMs: number;
  readonly judgedUpMs?: number;
}

/** One camera's pictures, from the motion gate to the decisions of its rules. */
export class CameraJudge {
  readonly #options: CameraJudgeOptions;
  readonly #gate: MotionGate;
  readonly #tracker: Tracker;
  #facts: CameraJudgeFacts = { frames: 0, judged: 0, failed: 0, drivenPast: 0, delayMs: 0 };

  constructor(options: CameraJudgeOptions) {
    this.#options = options;
    this.#gate = new MotionGate({ ...options.motion, masks: options.masks });
    this.#tracker = new Tracker(options.tracker);
  }

  get facts(): CameraJudgeFacts {
    return this.#facts;
  }

  /** Until `signal` aborts. Never rejects otherwise: a picture that could not be judged is counted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let frame: SmallFrame;
      try {
        frame = await this.#options.frames.next(signal);
      } catch {
        return;
      }
      try {
        await this.take(frame);
      } catch {
        this.#facts = { ...this.#facts, failed: this.#facts.failed + 1 };
        await untilReady(this.#options.ready, signal);
      }
    }
  }

  /** One picture. Rejects with what the detector said. */
  async take(frame: SmallFrame): Promise<void> {
    const { rules, detect, onPicture } = this.#options;
    this.#facts = { ...this.#facts, frames: this.#facts.frames + 1 };
    const able = this.#rulesAtThisSpeed(frame);
    if (able.length === 0) return;
    if (
      this.#gate.wants(
        frame,
        able.some(({ watch }) => watch.isAttentive),
      ) === undefined
    )
      return;
    const { atMs, upMs, width, height } = frame;
    const objects = (await detect(frame)).map(({ label, score, box: [x, y, w, h] }) => {
      const box: UnitBox = [x / width, y / height, w / width, h / height];
      return { label, score, box, isCause: false } satisfies SeenObject;
    });
    this.#facts = { ...this.#facts, judged: this.#facts.judged + 1, judgedUpMs: upMs };
    const step = this.#tracker.step(objects, upMs);
    for (const rule of rules) {
      if (!able.includes(rule)) continue;
      const now = { atMs, upMs, isArmed: rule.isArmed(atMs) };
      for (const decision of rule.watch.step(step, objects, now)) rule.decided(decision);
    }
    const delayMs = this.#facts.delayMs + Math.max(0, this.#options.upMs() - upMs);
    this.#facts = { ...this.#facts, delayMs };
    onPicture({ atMs, upMs, objects });
  }

  /** From a moving vehicle nothing stays at its place; what was there before is over. */
  #rulesAtThisSpeed(frame: SmallFrame): readonly JudgedRule[] {
    const { frames, rules, speedMps } = this.#options;
    const speed = frames.isMobile ? speedMps() : undefined;
    if (speed === undefined) return rules;
    const able = rules.filter(({ maxSpeedMps }) => speed <= maxSpeedMps);
    for (const rule of rules) if (!able.includes(rule)) drivenPast(rule, frame);
    if (able.length > 0) return able;
    this.#facts = { ...this.#facts, drivenPast: this.#facts.drivenPast + 1 };
    this.#tracker.reset();
    return able;
  }
}

function drivenPast({ watch, decided }: JudgedRule, { atMs, upMs }: SmallFrame): void {
  for (const decision of watch.reset({ atMs, upMs, isArmed: false })) decided(decision);
}

async function untilReady(ready: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const stop = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => stop.resolve(), { once: true });
  await Promise.race([ready().catch(() => undefined), stop.promise]);
}

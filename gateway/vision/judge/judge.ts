import { createHash } from "node:crypto";
import type { Clock } from "../../../drivers/driver.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import type { Position } from "../../../protocol/ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import type { JournalRestore, JournalWrite } from "../../contracts/journal.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { JudgeSettings, UnitPolygon, ViolationSettings } from "../../contracts/violations.ts";
import type { CameraSide, CameraTrouble, FrameSource, JudgedBy, NamedModel } from "../../contracts/vision.ts";
import { type InferenceFacts, InferenceProcess } from "../inference/inference-process.ts";
import type { OpenedModel } from "../inference/messages.ts";
import { unseenClasses } from "../models/seen-labels.ts";
import { CameraJudge, type CameraJudgeFacts, type JudgedRule } from "./camera-judge.ts";
import { ViolationAlarms } from "./violation-alarms.ts";
import { ViolationWatch } from "./violation-watch.ts";

const OPEN_DEADLINE_MS = 60_000;
/** Labels that a hint lists. */
const MOST_SHOWN = 20;

export interface JudgeOptions {
  readonly settings: JudgeSettings;
  /** Folder of the model that the settings name. */
  readonly modelFolder: string;
  readonly rules: readonly ViolationSettings[];
  readonly cameras: CameraSide;
  /** Parts of each camera's picture that move and mean nothing. */
  readonly masks: Readonly<Record<string, readonly UnitPolygon[]>>;
  readonly clock: Clock;
  readonly stamp: () => Pick<NewRecord, "atMs" | "upMs" | "timeQuality">;
  readonly log: Logger;
  readonly recent: JournalRestore["recentAlarms"];
  readonly position: () => Position | undefined;
  readonly speedMps: () => number | undefined;
  /** Whether a moment lies between two local times of day. */
  readonly isWithin: (atMs: number, from: string, to: string) => boolean;
  /** Alone and at once. */
  readonly write: (write: JournalWrite) => void;
}

export interface JudgeFacts {
  readonly inference: InferenceFacts;
  readonly cameras: Readonly<Record<string, CameraJudgeFacts>>;
}

export interface RuleBlindness {
  /** Nothing that this rule looks for can be seen. */
  readonly isWhole: boolean;
  readonly words: CameraTrouble;
}

/** Judges the pictures of every camera that a rule looks through, with one model in one process. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #inference: InferenceProcess;
  readonly #cameras: ReadonlyMap<string, CameraJudge>;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(options: JudgeOptions) {
    this.#options = options;
    const { settings, modelFolder, clock, log } = options;
    const { deadlineMs } = settings;
    this.#inference = new InferenceProcess({
      folder: modelFolder,
      deadlineMs,
      openDeadlineMs: Math.max(OPEN_DEADLINE_MS, deadlineMs),
      clock,
      log,
    });
    const watched = options.cameras.frames.filter(({ cameraId }) =>
      options.rules.some(({ cameras }) => cameras.includes(cameraId)),
    );
    this.#cameras = new Map(watched.map((frames) => [frames.cameraId, this.#judgeOf(frames)]));
    this.#done = Promise.all([
      this.#greet(),
      ...[...this.#cameras.values()].map((judge) => judge.run(this.#stop.signal)),
    ]);
  }

  get facts(): JudgeFacts {
    const cameras = [...this.#cameras].map(([id, { facts }]) => [id, facts] as const);
    return { inference: this.#inference.facts, cameras: Object.fromEntries(cameras) };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#inference.close();
    await this.#done;
  }

  /** What a rule through this camera looks for and can never see; the rule that sees nothing at all before others. */
  blindness(cameraId: string): RuleBlindness | undefined {
    const { model } = this.#inference.facts;
    if (model === undefined) return undefined;
    const rules = this.#options.rules.filter(({ cameras }) => cameras.includes(cameraId));
    const found = rules.map((rule) => blindness(rule, model)).filter((one) => one !== undefined);
    return found.find(({ isWhole }) => isWhole) ?? found[0];
  }

  /** What no rule can ever see is said once the model's labels are known. */
  async #greet(): Promise<void> {
    const { log, rules } = this.#options;
    try {
      const model = await this.#inference.ready();
      const { name, sha256, licence, classifier } = model;
      log.info({ model: name, sha256, licence, classifier: classifier?.name }, "model judges the cameras");
      for (const rule of rules) {
        const words = blindness(rule, model)?.words;
        if (words !== undefined) log.error({ ...words, rule: rule.name }, "a rule looks for what its model never sees");
      }
    } catch {
      // Closed before the model was there; why it was not there is in the log.
    }
  }

  #judgeOf(frames: FrameSource): CameraJudge {
    const { settings, rules, masks, cameras, speedMps, clock } = this.#options;
    const { cameraId } = frames;
    return new CameraJudge({
      frames,
      masks: masks[cameraId] ?? [],
      motion: settings,
      tracker: settings,
      rules: rules.filter((rule) => rule.cameras.includes(cameraId)).map((rule) => this.#ruleOn(cameraId, rule)),
      detect: async (frame) => (await this.#inference.detect(frame)).detections,
      ready: () => this.#inference.ready(),
      speedMps,
      upMs: () => clock.upMs(),
      onPicture: (picture) => cameras.show({ ...picture, cameraId }),
    });
  }

  #ruleOn(cameraId: string, rule: ViolationSettings): JudgedRule {
    const { cameras, recent, position, write, stamp, isWithin, log } = this.#options;
    const ruleVersion = createHash("sha256").update(canonicalJson(rule)).digest("hex").slice(0, 16);
    const judgedBy = (): JudgedBy | undefined => {
      // A process that died may have come back with another model, and nobody noticed where no picture was asked for.
      const { model } = this.#inference.facts;
      if (model === undefined) return undefined;
      const { classifier } = model;
      const second = classifier === undefined ? {} : { classifier: named(classifier) };
      return { rule: rule.name, ruleVersion, model: named(model), ...second };
    };
    const alarms = new ViolationAlarms({ cameraId, rule, judgedBy, evidence: cameras.evidence, recent, position });
    return {
      watch: new ViolationWatch(rule),
      maxSpeedMps: rule.maxSpeedMps,
      isArmed: (atMs) => stamp().timeQuality === "none" || isWithin(atMs, rule.armedFrom, rule.armedTo),
      decided: (decision) => {
        const written = alarms.write(decision, stamp());
        if (written === undefined) return;
        write(written);
        const { phase, score, label, hasLeft } = decision;
        if (phase === "raised") log.warn({ camera: cameraId, rule: rule.name, label, score }, "violation seen");
        else log.debug({ camera: cameraId, rule: rule.name, label, hasLeft }, "violation goes on or is over");
      },
    };
  }
}

function blindness(
  { name, classes }: ViolationSettings,
  { name: model, sees }: OpenedModel,
): RuleBlindness | undefined {
  const unseen = unseenClasses(classes, sees);
  if (unseen.length === 0) return undefined;
  const message = `the rule ${name} looks for ${unseen.join(", ")}, which the model ${model} never sees`;
  const hint = `Correct \`classes\`. The model knows ${sees.slice(0, MOST_SHOWN).join(", ")}${sees.length > MOST_SHOWN ? " …" : ""}.`;
  return { isWhole: unseen.length === classes.length, words: { code: "JUDGE_CLASS", message, hint } };
}

function named({ name, sha256, licence }: NamedModel): NamedModel {
  return { name, sha256, licence };
}

/** Left and top of a corner, each 0 to 1 of the picture. */
export type UnitPoint = readonly [x: number, y: number];
export type UnitPolygon = readonly UnitPoint[];

/** One rule of kind `violation`, checked; see gateway/config/violation-schema.ts for what each means. */
export interface ViolationSettings {
  /** Name of the rule in the config. */
  readonly name: string;
  readonly cameras: readonly string[];
  /** `truck` means also `truck/uncovered`; `truck/uncovered` only that. */
  readonly classes: readonly string[];
  /** Absent: the whole picture. */
  readonly zone?: UnitPolygon;
  readonly armedFrom: string;
  readonly armedTo: string;
  readonly dwellS: number;
  readonly count: number;
  readonly minScore: number;
  readonly coolDownS: number;
  readonly updateEveryS: number;
  readonly maxSpeedMps: number;
}

/** How pictures become verdicts: the `vision.judge` section. */
export interface JudgeSettings {
  /** Folder of the detector, or its name among the models that were shipped. */
  readonly model: string;
  readonly deadlineMs: number;
  readonly heartbeatS: number;
  readonly motionHoldS: number;
  readonly motionStep: number;
  readonly motionPart: number;
  readonly inertiaS: number;
}

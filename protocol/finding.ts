import { type Static, Type } from "typebox";
import { AtMs, Position } from "./ids.ts";
import { NoiseQuantity } from "./noise.ts";

/** Why a finding does not stand by itself. What is not known (a calibration that nobody entered) is no reason. */
export const FindingReason = Type.Union([
  /** The calibrations before and after differ by more than the rule-set allows. */
  Type.Literal("calibration-drift"),
  /** The meter's class is below the one that the rule-set asks for. */
  Type.Literal("meter-class"),
  /** The node did not know the time: day, edition and period are assumed. */
  Type.Literal("clock-untrusted"),
  /** The level was stuck, implausible or covered within the window. */
  Type.Literal("level-fault"),
]);
export type FindingReason = Static<typeof FindingReason>;

/** Seconds that a finding left out, each counted once. */
export const ExcludedSeconds = Type.Object({
  weather: Type.Integer({ minimum: 0 }),
  calibration: Type.Integer({ minimum: 0 }),
  maintenance: Type.Integer({ minimum: 0 }),
  /** Read, with a flag that makes the level invalid. */
  invalid: Type.Integer({ minimum: 0 }),
  /** Not read at all. */
  absent: Type.Integer({ minimum: 0 }),
});
export type ExcludedSeconds = Static<typeof ExcludedSeconds>;

/** The instrument, as somebody entered it: no meter says these things of itself. */
export const MeterFacts = Type.Object({
  model: Type.Optional(Type.String({ maxLength: 40 })),
  serialNumber: Type.Optional(Type.String({ maxLength: 40 })),
  class: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)])),
  calibrator: Type.Optional(
    Type.Object({
      model: Type.Optional(Type.String({ maxLength: 40 })),
      serialNumber: Type.Optional(Type.String({ maxLength: 40 })),
    }),
  ),
  /** Readings on the calibrator, dB(A), and the local days on which they were taken. */
  calibration: Type.Optional(
    Type.Object({
      beforeDb: Type.Optional(Type.Number()),
      beforeOn: Type.Optional(Type.String({ maxLength: 10 })),
      afterDb: Type.Optional(Type.Number()),
      afterOn: Type.Optional(Type.String({ maxLength: 10 })),
    }),
  ),
});
export type MeterFacts = Static<typeof MeterFacts>;

/**
 * What a machine can state of one measurement against a standard: every field of the measurement record of GB 12523 that it
 * can know. People add what it cannot (main source, sketch, who checked and approved). Levels in dB(A), hundredths.
 * @source GB 12523-2011, measurement record
 */
export const Finding = Type.Object({
  /** The edition whose limits were used, e.g. `GB12523-2025`, and the zone of it. */
  ruleSet: Type.String({ maxLength: 64 }),
  zone: Type.String({ maxLength: 16 }),
  isIndoor: Type.Optional(Type.Boolean()),
  period: Type.Union([Type.Literal("day"), Type.Literal("night")]),
  fromMs: AtMs,
  toMs: AtMs,
  /** What the meter gave. */
  quantity: NoiseQuantity,
  /** Seconds of the window, and those that count. */
  n: Type.Integer({ minimum: 0 }),
  valid: Type.Integer({ minimum: 0 }),
  validPct: Type.Number({ minimum: 0, maximum: 100 }),
  excluded: ExcludedSeconds,
  laeqDb: Type.Number(),
  /** The level was sampled, not integrated: LAeq is an estimate. */
  estimated: Type.Boolean(),
  /** Highest second; an instrument may have seen more between two of them, so it is always a lower bound. */
  lamaxDb: Type.Number(),
  /** Without the source, as somebody measured it; `correctionDb` null: it is too near to correct for. */
  background: Type.Optional(
    Type.Object({
      levelDb: Type.Number(),
      measuredOn: Type.Optional(Type.String({ maxLength: 10 })),
      correctionDb: Type.Union([Type.Number(), Type.Null()]),
    }),
  ),
  /** LAeq after the background's correction, where there was one. */
  correctedDb: Type.Optional(Type.Number()),
  limitDb: Type.Number(),
  /** At night. */
  lamaxLimitDb: Type.Optional(Type.Number()),
  /** To what levels were rounded before they were compared. */
  roundToDb: Type.Number(),
  exceeds: Type.Array(Type.Union([Type.Literal("laeq"), Type.Literal("lamax")]), { maxItems: 2 }),
  isValid: Type.Boolean(),
  reasons: Type.Array(FindingReason, { maxItems: 4 }),
  site: Type.Optional(
    Type.Object({
      name: Type.Optional(Type.String({ maxLength: 80 })),
      address: Type.Optional(Type.String({ maxLength: 100 })),
      /** The unit that answers for the site. */
      unit: Type.Optional(Type.String({ maxLength: 100 })),
    }),
  ),
  /** Where the microphone stands. */
  point: Type.Optional(Type.String({ maxLength: 60 })),
  position: Type.Optional(Position),
  meter: Type.Optional(MeterFacts),
  /** After − before, where both are known. */
  driftDb: Type.Optional(Type.Number()),
  /** What instruments read within the window, in the seconds left out too; absent where none gave a fresh reading. */
  weather: Type.Optional(
    Type.Object({
      /** Strongest. */
      windMps: Type.Optional(Type.Number({ minimum: 0 })),
      /** Whether it rained in any second. */
      hasRained: Type.Optional(Type.Boolean()),
    }),
  ),
  /** A machine cannot tell which machine is loud. */
  mainSource: Type.Null(),
  measuredBy: Type.Literal("machine"),
});
export type Finding = Static<typeof Finding>;

import { type Static, Type } from "typebox";
import { Finding } from "./finding.ts";
import { AlarmId, AtMs, Position } from "./ids.ts";

/** Statistics over one window of a rule, at the moment of the revision. */
export const WindowStatistics = Type.Object({
  /** Which window: `raise`, `clear`, or a rule's own. */
  name: Type.String({ maxLength: 32 }),
  fromMs: AtMs,
  toMs: AtMs,
  /** Expected and valid 1-s levels. */
  n: Type.Integer({ minimum: 0 }),
  valid: Type.Integer({ minimum: 0 }),
  laeqDb: Type.Union([Type.Number(), Type.Null()]),
  lamaxDb: Type.Union([Type.Number(), Type.Null()]),
});
export type WindowStatistics = Static<typeof WindowStatistics>;

export const AlarmPhase = Type.Union([Type.Literal("raised"), Type.Literal("updated"), Type.Literal("cleared")]);
export type AlarmPhase = Static<typeof AlarmPhase>;

/** `quiet`: the rule's own clear condition. `rule-removed`: the config that is now in force no longer has the rule. */
export const ClearReason = Type.Union([Type.Literal("quiet"), Type.Literal("rule-removed"), Type.Literal("disarmed")]);
export type ClearReason = Static<typeof ClearReason>;

export const AlarmFamily = Type.Union([
  Type.Literal("noise"),
  Type.Literal("vision"),
  Type.Literal("emergency"),
  Type.Literal("fault"),
]);
export type AlarmFamily = Static<typeof AlarmFamily>;

/** `condition` alarms clear by themselves when the sensor says so; `event` alarms happened and do not clear. */
export const AlarmNature = Type.Union([Type.Literal("condition"), Type.Literal("event")]);
export type AlarmNature = Static<typeof AlarmNature>;

/**
 * What became of cleared alarms of one key (device, subject, rule) that the node had no room for: their records are declared
 * as shed, and this alarm stands for them. `count` of them were raised from `firstRaisedAtMs` on.
 */
export const FoldedAlarms = Type.Object({
  count: Type.Integer({ minimum: 1 }),
  firstRaisedAtMs: AtMs,
  lastStateAtMs: AtMs,
});
export type FoldedAlarms = Static<typeof FoldedAlarms>;

/**
 * Body of an `alarm` record. Every revision carries the full state, so that any one of them suffices to open a case.
 * `rev` starts at 1 and rises by one; a lower one that arrives later is only logged.
 */
export const AlarmBody = Type.Object({
  alarmId: AlarmId,
  rev: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  phase: AlarmPhase,
  family: AlarmFamily,
  nature: AlarmNature,
  /** Name of the rule in the node's config. */
  rule: Type.String({ minLength: 1, maxLength: 64 }),
  /** Kind of rule: `trigger`, `exceedance`, … */
  ruleKind: Type.String({ minLength: 1, maxLength: 32 }),
  /** Dated rule-set that gave the limits, e.g. `GB12523-2011`; absent where the limits are plain settings. */
  ruleSet: Type.Optional(Type.String({ maxLength: 64 })),
  raisedAtMs: AtMs,
  /** UTC of the state that this revision describes. */
  stateAtMs: AtMs,
  clearedAtMs: Type.Optional(AtMs),
  clearReason: Type.Optional(ClearReason),
  /** The limits in force, by name, e.g. `{ raiseDb: 70, clearDb: 67 }`. */
  limits: Type.Record(Type.String({ maxLength: 32 }), Type.Number()),
  windows: Type.Array(WindowStatistics, { maxItems: 8 }),
  /** Highest value since the alarm was raised. */
  peak: Type.Optional(Type.Object({ value: Type.Number(), unit: Type.String({ maxLength: 16 }), atMs: AtMs })),
  /** The measured quantity is sampled, not integrated: the level is an estimate. */
  estimated: Type.Optional(Type.Boolean()),
  position: Type.Optional(Position),
  /** Of an `exceedance`: the worst window since it was raised, as a measurement record. A `trigger` never has one. */
  finding: Type.Optional(Finding),
  /** A permit (夜间施工许可) covers it: recorded and shown, not dispatched by default. */
  permit: Type.Optional(Type.String({ maxLength: 64 })),
  evidence: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32 }),
  /** What a rule found beside numbers, in no language: names, ranges, ids. */
  detail: Type.Optional(Type.String({ maxLength: 1000 })),
  /** This is no alarm of a rule but the count of those that had to go; its phase is `cleared`. */
  folded: Type.Optional(FoldedAlarms),
});
export type AlarmBody = Static<typeof AlarmBody>;

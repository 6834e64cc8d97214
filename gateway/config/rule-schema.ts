import { type Static, Type } from "typebox";
import { RULE_SETS } from "../contracts/rule-set.ts";
import { ViolationRule } from "./violation-schema.ts";

const ClockTimeOf = (title: string, example: string) =>
  Type.String({
    pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    title,
    expected: "a time of day, HH:MM",
    examples: [example],
  });

const ClockTime = (title: string, value: string) => ({ ...ClockTimeOf(title, value), default: value });

/** A local date, as it is written down beside a measurement. */
export const LocalDay = (title: string) =>
  Type.String({
    pattern: "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$",
    title,
    expected: "a date, YYYY-MM-DD",
    examples: ["2026-11-01"],
  });

/**
 * Rule `trigger`: a level that calls somebody now; not a finding in the sense of a standard. Levels are compared after
 * rounding to `roundToDb`: with 70.0, LAeq 70.0 does not raise and 70.1 does.
 */
export const TriggerRule = Type.Object(
  {
    kind: Type.Literal("trigger", { title: "Kind of rule" }),
    device: Type.String({
      pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
      title: "Device",
      description: "The noise meter that it listens to.",
      expected: "the name of a device",
      examples: ["noise-01"],
    }),
    limitDb: Type.Number({
      minimum: 20,
      maximum: 140,
      default: 70.0,
      title: "Raise above",
      description: "LAeq over the raise window, dB(A).",
    }),
    clearDb: Type.Number({
      minimum: 20,
      maximum: 140,
      default: 67.0,
      title: "Clear below",
      description: "LAeq over the clear window, dB(A).",
    }),
    raiseWindowS: Type.Integer({ minimum: 1, maximum: 3600, default: 10, title: "Raise window, seconds" }),
    raiseMinValidS: Type.Integer({ minimum: 1, maximum: 3600, default: 8, title: "Valid seconds that raising needs" }),
    clearWindowS: Type.Integer({ minimum: 1, maximum: 3600, default: 60, title: "Clear window, seconds" }),
    clearMinValidS: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 54,
      title: "Valid seconds that clearing needs",
      description: "Seconds without a valid level never count as quiet.",
    }),
    roundToDb: Type.Number({ minimum: 0.01, maximum: 1, default: 0.1, title: "Rounding before comparing" }),
    armedFrom: ClockTime("Night begins, local time of the site", "22:00"),
    armedTo: ClockTime("Night ends", "06:00"),
    byDay: Type.Boolean({ default: false, title: "Armed by day too" }),
    updateEveryS: Type.Integer({
      minimum: 30,
      maximum: 3600,
      default: 30,
      title: "Seconds between updates of a raised alarm",
    }),
    sameAlarmS: Type.Integer({
      minimum: 0,
      maximum: 600,
      default: 600,
      title: "Raised again within these seconds it is the same alarm",
      description: "0: each raise is an alarm of its own, for load tests.",
    }),
    evidenceBeforeS: Type.Integer({
      minimum: 0,
      maximum: 600,
      default: 60,
      title: "Seconds of levels kept from before",
    }),
    evidenceAfterS: Type.Integer({ minimum: 0, maximum: 600, default: 60, title: "Seconds of levels kept from after" }),
  },
  { title: "Trigger", examples: [{ kind: "trigger", device: "noise-01", limitDb: 70.5 }] },
);
export type TriggerRule = Static<typeof TriggerRule>;

const STANDARDS = [...new Set(RULE_SETS.map(({ standard }) => standard))];
const ZONES = [...new Set(RULE_SETS.flatMap(({ zones }) => Object.keys(zones)))];

export const EXCEEDANCE_DEFAULTS = { standard: "GB12523", zone: "boundary", minValidPct: 75 };

/**
 * Rule `exceedance`: the finding in the sense of a standard. LAeq over 20 min, by night also LAmax, against the rule-set that
 * is valid on the day. Windows slide by whole minutes and lie in one period.
 */
export const ExceedanceRule = Type.Object(
  {
    kind: Type.Literal("exceedance", { title: "Kind of rule" }),
    device: Type.String({
      pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
      title: "Device",
      description: "The noise meter that it listens to.",
      expected: "the name of a device",
      examples: ["noise-01"],
    }),
    standard: Type.Unsafe<string>({
      enum: STANDARDS,
      default: EXCEEDANCE_DEFAULTS.standard,
      title: "Standard",
      description: "Its newest edition that is valid on the day of the measurement is used.",
    }),
    ruleSet: Type.Optional(
      Type.Unsafe<string>({
        enum: RULE_SETS.map(({ id }) => id),
        title: "Edition",
        description: "This one, whatever the day.",
        examples: ["GB12523-2025"],
      }),
    ),
    zone: Type.Unsafe<string>({
      enum: ZONES,
      default: EXCEEDANCE_DEFAULTS.zone,
      title: "Zone",
      description: "`boundary` of GB12523; class 0 to 4b of GB3096, in quotes.",
    }),
    indoor: Type.Boolean({
      default: false,
      title: "Indoor point",
      description: "Where outdoors is impossible; lowers the limits.",
    }),
    point: Type.Optional(
      Type.String({ minLength: 1, maxLength: 60, title: "Where the microphone stands", examples: ["north gate, 4 m"] }),
    ),
    background: Type.Optional(
      Type.Object(
        {
          levelDb: Type.Number({
            minimum: 0,
            maximum: 140,
            title: "LAeq without the site's noise, dB(A)",
            examples: [48.5],
          }),
          measuredOn: Type.Optional(LocalDay("Measured on")),
        },
        { title: "Background", examples: [{ levelDb: 48.5, measuredOn: "2026-11-01" }] },
      ),
    ),
    minValidPct: Type.Number({
      minimum: 1,
      maximum: 100,
      default: EXCEEDANCE_DEFAULTS.minValidPct,
      title: "Valid part of a window that judging needs, %",
      description: "A window with less neither raises nor clears.",
    }),
    dayFrom: Type.Optional(ClockTimeOf("Day begins, where the local government says another hour", "06:00")),
    nightFrom: Type.Optional(ClockTimeOf("Night begins", "22:00")),
    windowS: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 3600,
        multipleOf: 60,
        title: "Length of a window, seconds",
        description: "Of the rule-set where left out; by whole minutes.",
        examples: [1200],
      }),
    ),
    updateEveryS: Type.Integer({
      minimum: 30,
      maximum: 3600,
      default: 300,
      title: "Seconds between updates of a raised alarm",
    }),
    sameAlarmS: Type.Integer({
      minimum: 0,
      maximum: 600,
      default: 600,
      title: "Raised again within these seconds it is the same alarm",
    }),
  },
  { title: "Exceedance", examples: [{ kind: "exceedance", device: "noise-01" }] },
);
export type ExceedanceRule = Static<typeof ExceedanceRule>;

/** Every kind of rule; `kind` tells them apart. */
export const AnyRule = Type.Union([TriggerRule, ExceedanceRule, ViolationRule], {
  expected: "a rule: `kind: trigger`, `exceedance` or `violation`, and that kind's settings",
  examples: [{ kind: "trigger", device: "noise-01", limitDb: 70.5 }],
});
export type AnyRule = Static<typeof AnyRule>;

/** Names of the node's own rules: an alarm's key holds its rule's name. */
export const RESERVED_RULES = [
  "emergency",
  "level-stuck",
  "level-implausible",
  "level-covered",
  "camera-frozen",
  "camera-covered",
  "camera-unjudged",
] as const;

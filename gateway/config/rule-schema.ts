import { type Static, Type } from "typebox";

const ClockTime = (title: string, value: string) =>
  Type.String({
    pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    default: value,
    title,
    expected: "a time of day, HH:MM",
    examples: [value],
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

/** Every kind of rule; `kind` tells them apart. */
export const AnyRule = TriggerRule;
export type AnyRule = Static<typeof AnyRule>;

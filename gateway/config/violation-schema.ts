import { type Static, Type } from "typebox";
import type { UnitPolygon } from "../contracts/violations.ts";

export const NAME_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$";

const UnitNumber = Type.Number({ minimum: 0, maximum: 1, expected: "a number from 0 to 1" });

/** Corners as parts of the picture's width and height, from the left and from the top. */
export const Polygon = (title: string, description: string) =>
  Type.Unsafe<UnitPolygon>(
    Type.Array(Type.Array(UnitNumber, { minItems: 2, maxItems: 2, expected: "a corner: [x, y]" }), {
      minItems: 3,
      maxItems: 32,
      title,
      description,
      expected: "at least three corners [x, y], each 0 to 1 of the picture",
      examples: [
        [
          [0.1, 0.4],
          [0.9, 0.4],
          [0.9, 1],
          [0.1, 1],
        ],
      ],
    }),
  );

const ClockTime = (title: string, description: string) =>
  Type.String({
    pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    default: "00:00",
    title,
    description,
    expected: "a time of day, HH:MM",
  });

/**
 * Rule `violation`: classes × zone × time window × dwell × count. With a count of one each object is an alarm of its own:
 * one that stays is one alarm, two are two. With more, so many at once are one alarm.
 */
export const ViolationRule = Type.Object(
  {
    kind: Type.Literal("violation", { title: "Kind of rule" }),
    cameras: Type.Array(Type.String({ pattern: NAME_PATTERN }), {
      minItems: 1,
      maxItems: 64,
      title: "Cameras that it looks through",
      examples: [["gate"]],
    }),
    classes: Type.Array(Type.String({ minLength: 1, maxLength: 127 }), {
      minItems: 1,
      maxItems: 64,
      title: "What must not be there",
      description: "Labels of the model. `truck` means every truck, `truck/uncovered` only those.",
      examples: [["truck/uncovered"]],
    }),
    zone: Type.Optional(
      Polygon("Where", "The middle of an object's lower edge must lie inside. Left out: the whole picture."),
    ),
    armedFrom: ClockTime("From, local time of the site", "Equal to `armedTo`: the whole day."),
    armedTo: ClockTime("To", "Earlier than `armedFrom`: over midnight."),
    dwellS: Type.Number({ minimum: 0, maximum: 86_400, default: 3, title: "Seconds that it must stay" }),
    count: Type.Integer({ minimum: 1, maximum: 1000, default: 1, title: "Objects at once that it takes" }),
    minScore: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.4,
      title: "Least score",
      description: "Median of the last ten times that it was seen.",
    }),
    coolDownS: Type.Integer({
      minimum: 0,
      maximum: 86_400,
      default: 300,
      title: "Where something stood when it was lost, what stands there again within these seconds is the same thing",
      description: "Also: so long must an object have left the zone before its return is another alarm.",
    }),
    updateEveryS: Type.Integer({
      minimum: 30,
      maximum: 86_400,
      default: 300,
      title: "Seconds between updates while it stays",
      description: "Up to 300 a restart of the gateway makes no second alarm of what stands there.",
    }),
    maxSpeedMps: Type.Number({
      minimum: 0,
      maximum: 60,
      default: 1,
      title: "In a vehicle: not while it drives faster",
      description: "Metres a second by GPS. Without a fix it is judged as if it stood.",
    }),
  },
  { title: "Violation", examples: [{ kind: "violation", cameras: ["gate"], classes: ["truck/uncovered"] }] },
);
export type ViolationRule = Static<typeof ViolationRule>;

/** Section `vision.judge`. */
export const Judge = Type.Object(
  {
    model: Type.String({
      minLength: 1,
      maxLength: 1024,
      default: "site-watch",
      title: "Detector",
      description: "Its folder, or the name of one that was shipped with the gateway.",
      examples: ["/etc/shao/models/gate"],
    }),
    deadlineMs: Type.Integer({
      minimum: 100,
      maximum: 120_000,
      default: 10_000,
      title: "A picture that takes longer ends the detector's process",
    }),
    heartbeatS: Type.Number({
      minimum: 1,
      maximum: 3600,
      default: 10,
      title: "Seconds after which a picture is judged though nothing moved",
      description: "What is parked does not move.",
    }),
    motionHoldS: Type.Number({
      minimum: 0,
      maximum: 600,
      default: 5,
      title: "After motion every picture is judged for so many seconds",
    }),
    motionStep: Type.Number({
      minimum: 1,
      maximum: 255,
      default: 14,
      title: "Change of brightness that is motion, of 255",
    }),
    motionPart: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.003,
      title: "Part of the picture that must change",
    }),
    inertiaS: Type.Number({
      minimum: 1,
      maximum: 600,
      default: 6,
      title: "An object that is not seen is still there for so many seconds",
      description: "And for three judged pictures at least.",
    }),
  },
  { default: {}, title: "Judgement", description: "Used where a rule of kind `violation` is." },
);

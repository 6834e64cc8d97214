import { Type } from "typebox";

/** When a meter that answers on time is not to be believed. One set of numbers for all noise meters of a node. */
export const LevelWatch = Type.Object(
  {
    enabled: Type.Boolean({ default: true, title: "Raise a fault for a level that is not to be believed" }),
    stuckAfterS: Type.Integer({
      minimum: 30,
      maximum: 3600,
      default: 120,
      title: "Stuck after, seconds",
      description: "The very same value for so long; three values within a minute end it.",
    }),
    floorDb: Type.Number({
      minimum: -20,
      maximum: 60,
      default: 25,
      title: "Implausible below, dB(A)",
      description: "No outdoor place of a city is quieter. Lower it for an indoor point.",
    }),
    floorWindowS: Type.Integer({ minimum: 60, maximum: 1800, default: 300, title: "LAeq for the floor, seconds" }),
    coveredWindowS: Type.Integer({ minimum: 60, maximum: 1800, default: 120, title: "Covered: window, seconds" }),
    coveredBaselineS: Type.Integer({
      minimum: 60,
      maximum: 1800,
      default: 300,
      title: "Covered: what the window is compared with, seconds before it",
    }),
    coveredDropDb: Type.Number({
      minimum: 5,
      maximum: 80,
      default: 20,
      title: "Covered: L90 falls by more than, dB",
    }),
    coveredSpreadDb: Type.Number({
      minimum: 0,
      maximum: 10,
      default: 1,
      title: "Covered: and L10 − L90 collapses to at most, dB",
    }),
  },
  { default: {}, title: "Watch over levels" },
);

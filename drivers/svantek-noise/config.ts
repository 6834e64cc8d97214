import { type Static, Type } from "typebox";
import { ownLineKeys } from "../serial/own-line.ts";

/** One Svantek sound level meter that answers ASCII queries, on a serial port of its own or behind a serial server. */
export const svantekNoiseConfig = Type.Object(
  {
    ...ownLineKeys,
    baudRate: Type.Integer({
      minimum: 300,
      maximum: 1_000_000,
      default: 115_200,
      title: "Baud rate of the serial port",
    }),
    profile: Type.Integer({
      minimum: 1,
      maximum: 3,
      default: 1,
      title: "Profile of the meter",
      description: "Which of its three profiles is set to A-weighting.",
    }),
    level: Type.Union([Type.Literal("spl"), Type.Literal("leq")], {
      default: "spl",
      title: "Which result is the level",
      description: "spl: the Fast or Slow level, sampled. leq: LAeq, where the meter's integration period is 1 s.",
    }),
    periodMs: Type.Integer({ minimum: 1000, maximum: 60_000, default: 1000, title: "Poll period" }),
    measurementPeriodMs: Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      default: 60_000,
      title: "Period of LAeq, LAmax and LAmin",
      description: "Of the measurement that runs on the meter, over its own time.",
    }),
    timeoutMs: Type.Integer({ minimum: 50, maximum: 10_000, default: 500, title: "Answer within" }),
  },
  { additionalProperties: false, title: "Svantek sound level meter" },
);
export type SvantekNoiseConfig = Static<typeof svantekNoiseConfig>;

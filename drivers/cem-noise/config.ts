import { type Static, Type } from "typebox";
import { ownLineKeys } from "../serial/own-line.ts";

/** One hand-held meter that sends its levels by itself, on a serial port of its own or behind a serial server. */
export const cemNoiseConfig = Type.Object(
  {
    ...ownLineKeys,
    model: Type.Union([Type.Literal("cem-dt885x"), Type.Literal("pce-322a")], {
      default: "cem-dt885x",
      title: "Model",
      description: "cem-dt885x: CEM DT-8850, 8851, 8852 and their clones. pce-322a: PCE-322A and its like.",
    }),
    baudRate: Type.Optional(
      Type.Integer({
        minimum: 300,
        maximum: 1_000_000,
        title: "Baud rate",
        description: "Where it is not the model's own: 9600 of a CEM, 115200 of a PCE.",
      }),
    ),
    periodMs: Type.Integer({
      minimum: 1000,
      maximum: 60_000,
      default: 1000,
      title: "One level each",
      description: "The meter sends about 20 a second; the first one in each period is taken.",
    }),
  },
  { additionalProperties: false, title: "Hand-held noise meter that streams" },
);
export type CemNoiseConfig = Static<typeof cemNoiseConfig>;
export type CemModel = CemNoiseConfig["model"];

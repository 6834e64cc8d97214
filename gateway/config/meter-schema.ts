import { type Static, Type } from "typebox";
import { LocalDay } from "./rule-schema.ts";

const Name = (title: string, example: string) =>
  Type.String({ minLength: 1, maxLength: 40, title, examples: [example] });
const Reading = (title: string) => Type.Number({ minimum: 0, maximum: 140, title, examples: [93.8] });

/** What a finding says of the instrument: facts that no meter says of itself. */
export const MeterSection = Type.Object(
  {
    model: Type.Optional(Name("Model", "AWA6228+")),
    serialNumber: Type.Optional(Name("Serial number", "00312345")),
    class: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)], { title: "Class of accuracy", examples: [2] })),
    calibrator: Type.Optional(
      Type.Object(
        {
          model: Type.Optional(Name("Model", "AWA6221A")),
          serialNumber: Type.Optional(Name("Serial number", "1004567")),
        },
        { title: "Acoustic calibrator" },
      ),
    ),
    calibration: Type.Optional(
      Type.Object(
        {
          beforeDb: Type.Optional(Reading("Reading on the calibrator before, dB(A)")),
          beforeOn: Type.Optional(LocalDay("Before: date")),
          afterDb: Type.Optional(Reading("Reading on the calibrator after, dB(A)")),
          afterOn: Type.Optional(LocalDay("After: date")),
        },
        {
          title: "Calibration",
          description: "More than 0.5 dB between before and after makes findings invalid.",
          examples: [{ beforeDb: 93.8, beforeOn: "2026-11-01" }],
        },
      ),
    ),
  },
  {
    title: "Instrument",
    description: "Of a noise meter, for its findings.",
    examples: [{ model: "AWA6228+", serialNumber: "00312345", class: 2 }],
  },
);
export type MeterSection = Static<typeof MeterSection>;

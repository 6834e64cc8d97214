import { type Static, Type } from "typebox";
import { BusReference } from "../bus/bus-config.ts";
import { NoiseProfile } from "./profile.ts";
import { PROFILE_NAMES } from "./profiles.ts";

/** One noise meter on a Modbus bus. Unknown keys are refused. */
export const modbusNoiseConfig = Type.Object(
  {
    bus: BusReference,
    unit: Type.Integer({
      minimum: 1,
      maximum: 247,
      default: 1,
      title: "Modbus unit",
      description: "Address of the meter on its bus.",
    }),
    profile: Type.Union([...PROFILE_NAMES.map((name) => Type.Literal(name)), NoiseProfile], {
      default: "sonbest-sm7901b",
      title: "Profile of the meter",
      description: "The register map of its model by name, or one written out.",
    }),
    periodMs: Type.Integer({
      minimum: 100,
      maximum: 60_000,
      default: 1000,
      title: "Poll period",
      description: "Rules work on one level a second: 1000 unless the meter cannot.",
    }),
    measurementPeriodMs: Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      default: 60_000,
      title: "Period of the other values",
      description: "Weather, LAeq, LAmax: where the profile names some. They are read beside the level.",
    }),
    timeoutMs: Type.Integer({
      minimum: 20,
      maximum: 10_000,
      default: 300,
      title: "Answer within",
      description: "Longer than the meter's slowest answer, and all meters of the bus together within one period.",
    }),
    quantity: Type.Optional(
      Type.Union([Type.Literal("LAeq1s"), Type.Literal("LAF"), Type.Literal("LAS")], {
        title: "What the level is",
        description: "Where the meter was set to something else than its profile says.",
      }),
    ),
  },
  { additionalProperties: false, title: "Noise meter on Modbus" },
);
export type ModbusNoiseConfig = Static<typeof modbusNoiseConfig>;

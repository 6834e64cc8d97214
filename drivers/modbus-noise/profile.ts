import { type Static, Type } from "typebox";

/** A register value, 16 bit. */
const RawValue = Type.Integer({ minimum: 0, maximum: 0xffff });

/** What one model of meter needs to be known: data, never code. Unknown keys are refused. */
export const NoiseProfile = Type.Object(
  {
    title: Type.Optional(Type.String({ maxLength: 120, title: "Maker and model" })),
    function: Type.Union([Type.Literal("read-holding"), Type.Literal("read-input")], {
      title: "Modbus function",
      description: "read-holding is function 3, read-input is function 4.",
      default: "read-holding",
    }),
    address: Type.Integer({ minimum: 0, maximum: 0xffff, title: "Register of the level, counted from 0" }),
    isSigned: Type.Optional(Type.Boolean({ title: "The register is two's complement", default: false })),
    /** dB per count. */
    scaleDb: Type.Number({ exclusiveMinimum: 0, maximum: 10, title: "dB per count" }),
    validDb: Type.Tuple([Type.Number(), Type.Number()], {
      title: "Measuring range",
      description: "A level outside is flagged out-of-range and kept as it was read.",
    }),
    noDataValues: Type.Array(RawValue, {
      maxItems: 16,
      title: "Raw values by which the meter says that it has none",
      default: [],
    }),
    quantity: Type.Union([Type.Literal("LAeq1s"), Type.Literal("LAF"), Type.Literal("LAS")], {
      title: "What the level is",
      description: "LAeq1s: integrated by the meter. LAF, LAS: sampled Fast or Slow; findings say estimated.",
    }),
    minPeriodMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000, title: "Shortest period it stands" })),
    serial: Type.Optional(
      Type.Object(
        {
          baudRate: Type.Integer({ minimum: 300, maximum: 1_000_000 }),
          parity: Type.Union([Type.Literal("none"), Type.Literal("even"), Type.Literal("odd")]),
          stopBits: Type.Union([Type.Literal(1), Type.Literal(2)]),
          unit: Type.Integer({ minimum: 1, maximum: 247 }),
        },
        { additionalProperties: false, title: "As the maker delivers it" },
      ),
    ),
    certainty: Type.Optional(
      Type.Union([Type.Literal("certain"), Type.Literal("two-sources"), Type.Literal("one-source")], {
        title: "How well the register map is known",
      }),
    ),
    source: Type.Optional(Type.String({ maxLength: 300, title: "Where the register map comes from" })),
  },
  { additionalProperties: false },
);
export type NoiseProfile = Static<typeof NoiseProfile>;

import { type Static, type TLiteral, Type } from "typebox";

const RegisterAddress = Type.Integer({ minimum: 0, maximum: 0xffff });

/** How a number stands in registers. Absent: one register, unsigned, high byte first, as Modbus has it. */
const encodingFields = {
  type: Type.Optional(
    Type.Union(
      [Type.Literal("u16"), Type.Literal("i16"), Type.Literal("u32"), Type.Literal("i32"), Type.Literal("f32")],
      { title: "Number", description: "u16 i16 take one register, u32 i32 f32 (IEEE 754) two." },
    ),
  ),
  byteOrder: Type.Optional(
    Type.Union([Type.Literal("big"), Type.Literal("little")], {
      title: "Bytes of a register",
      description: "big: high byte first, as Modbus says. little: some makers swap them.",
    }),
  ),
  wordOrder: Type.Optional(
    Type.Union([Type.Literal("big"), Type.Literal("little")], {
      title: "Registers of a number",
      description: "big: high word in the lower register. little: low word first.",
    }),
  ),
  noDataValues: Type.Array(Type.Integer({ minimum: 0, maximum: 0xffff_ffff }), {
    maxItems: 16,
    title: "Raw values by which the meter says that it has none",
    description: "As unsigned counts, after byte and word order, before sign and scale.",
    default: [],
  }),
};

const FUNCTIONS: [TLiteral<"read-holding">, TLiteral<"read-input">] = [
  Type.Literal("read-holding"),
  Type.Literal("read-input"),
];
const FUNCTION_NOTE = {
  title: "Modbus function",
  description: "read-holding is function 3, read-input is function 4.",
};

/** Another value of the same meter. */
export const ProfileMeasurement = Type.Object(
  {
    quantity: Type.String({
      pattern: "^[A-Za-z][A-Za-z0-9.]{0,63}$",
      title: "What it is",
      description: "A name of protocol/quantities.ts where there is one, with the unit given there.",
    }),
    unit: Type.String({ maxLength: 16, title: "Unit after scaling" }),
    function: Type.Optional(Type.Union(FUNCTIONS, { ...FUNCTION_NOTE, title: "Where not that of the level" })),
    address: RegisterAddress,
    ...encodingFields,
    scale: Type.Number({ title: "Units per count" }),
    valid: Type.Tuple([Type.Number(), Type.Number()], {
      title: "Measuring range",
      description: "A value outside is flagged out-of-range and kept as it was read.",
    }),
  },
  { additionalProperties: false },
);
export type ProfileMeasurement = Static<typeof ProfileMeasurement>;

/** What one model of meter needs to be known: data, never code. Unknown keys are refused. */
export const NoiseProfile = Type.Object(
  {
    title: Type.Optional(Type.String({ maxLength: 120, title: "Maker and model" })),
    function: Type.Union(FUNCTIONS, { ...FUNCTION_NOTE, default: "read-holding" }),
    address: Type.Integer({ minimum: 0, maximum: 0xffff, title: "Register of the level, counted from 0" }),
    isSigned: Type.Optional(
      Type.Boolean({
        title: "The register is two's complement",
        description: "The same as type: i16.",
        default: false,
      }),
    ),
    ...encodingFields,
    /** dB per count. */
    scaleDb: Type.Number({ exclusiveMinimum: 0, maximum: 10, title: "dB per count" }),
    validDb: Type.Tuple([Type.Number(), Type.Number()], {
      title: "Measuring range",
      description: "A level outside is flagged out-of-range and kept as it was read.",
    }),
    quantity: Type.Union([Type.Literal("LAeq1s"), Type.Literal("LAF"), Type.Literal("LAS")], {
      title: "What the level is",
      description: "LAeq1s: integrated by the meter. LAF, LAS: sampled Fast or Slow; findings say estimated.",
    }),
    measurements: Type.Optional(
      Type.Array(ProfileMeasurement, {
        maxItems: 32,
        title: "Other values of the same meter",
        description: "LAeq, LAmax, wind, rain, temperature and so on: sent as measurements, not as levels.",
      }),
    ),
    packing: Type.Optional(
      Type.Object(
        {
          maxRegisters: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 125, title: "Registers that the meter gives in one read" }),
          ),
          maxGapRegisters: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 124,
              title: "Registers that nobody needs, read along to save a request",
              description: "0, the default: only neighbours are read together, as many meters refuse what they lack.",
            }),
          ),
          forbidden: Type.Optional(
            Type.Array(Type.Tuple([RegisterAddress, RegisterAddress]), {
              maxItems: 32,
              title: "Registers that must never be read, first and last of each span",
            }),
          ),
        },
        { additionalProperties: false, title: "What may be read together" },
      ),
    ),
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

import { type Static, Type } from "typebox";
import { NoiseQuantity } from "../../protocol/noise.ts";
import { plainConsent, plainListen } from "../net/plain-listen.ts";
import { DEVIATION_NAMES, type Deviation, TOLERATED_BY_DEFAULT } from "./deviations.ts";

const Station = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 100, title: "Name", description: "For people; not used otherwise." })),
    password: Type.Optional(
      Type.String({ minLength: 1, maxLength: 32, title: "Password (PW)", description: "Without it any is taken." }),
    ),
    levelPeriodS: Type.Optional(Type.Integer({ minimum: 1, maximum: 3600, title: "Its own levelPeriodS" })),
    minutePeriodS: Type.Optional(Type.Integer({ minimum: 60, maximum: 3600, title: "Its own minutePeriodS" })),
  },
  {
    additionalProperties: false,
    expected: "settings of one station",
    examples: ['{ name: gate, password: "123456" }'],
  },
);

/** A server to which noise and dust stations report by HJ 212. */
export const hj212Config = Type.Object(
  {
    listen: plainListen(7212),
    plain: plainConsent,
    stations: Type.Optional(
      Type.Record(Type.String({ pattern: "^[0-9A-Za-z_-]{4,32}$" }), Station, {
        title: "Stations",
        description: "By their number (MN); others are refused.",
        keyForm: { expected: "the number (MN) of a station", examples: ["010000A8900016F000169DC0"] },
      }),
    ),
    acceptUnknown: Type.Boolean({ default: false, title: "Let in stations that are not listed" }),
    tolerate: Type.Array(Type.Unsafe<Deviation>(Type.Union(DEVIATION_NAMES.map((name) => Type.Literal(name)))), {
      default: [...TOLERATED_BY_DEFAULT],
      title: "Tolerated deviations",
      description: "Each is counted as a fault of its station. What is not listed is refused by name.",
    }),
    levelPeriodS: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 30,
      title: "Real-time period",
      description:
        "Seconds between two real-time reports. With 1 the levels form a series of the node and feed its rules.",
    }),
    levelQuantity: Type.Union(NoiseQuantity.anyOf, { default: "LAF", title: "What LA-Rtd is" }),
    minutePeriodS: Type.Integer({
      minimum: 60,
      maximum: 3600,
      default: 600,
      title: "Minute data's period",
      description: "Seconds that one 2051 report covers; the report itself says only when it began.",
    }),
    dustUnit: Type.Union([Type.Literal("µg/m³"), Type.Literal("mg/m³")], { default: "µg/m³", title: "Unit of dust" }),
    maxClockOffsetS: Type.Integer({ minimum: 5, maximum: 86_400, default: 60, title: "A clock may be off by" }),
    setTime: Type.Boolean({
      default: false,
      title: "Set the stations' clocks",
      description: "Sends command 1012 to one that asks for it or whose clock is off, once an hour at most.",
    }),
    answerPackets: Type.Union([Type.Literal("each"), Type.Literal("last")], {
      default: "each",
      title: "Which packets of a divided message are answered",
    }),
    subjectPeriodMs: Type.Integer({
      minimum: 1000,
      maximum: 86_400_000,
      default: 60_000,
      title: "Period of a station",
      description: "It is silent when three periods bring nothing.",
    }),
    idleTimeoutS: Type.Integer({ minimum: 10, maximum: 86_400, default: 600, title: "Close a connection idle for" }),
    packetTimeoutS: Type.Integer({ minimum: 5, maximum: 3600, default: 60, title: "All packets of a message within" }),
    maxConnections: Type.Integer({ minimum: 1, maximum: 2000, default: 1000, title: "Connections at once" }),
    maxBytesPerS: Type.Integer({
      minimum: 1000,
      maximum: 10_000_000,
      default: 50_000,
      title: "Bytes a second of each",
    }),
  },
  { additionalProperties: false, title: "HJ 212 stations" },
);
export type Hj212Config = Static<typeof hj212Config>;

import { type Static, Type } from "typebox";
import { plainConsent, plainListen } from "../net/plain-listen.ts";

const Listed = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 100, title: "Name", description: "For people; not used otherwise." })),
  },
  { additionalProperties: false, expected: "settings of one terminal", examples: ["{ name: 京A12345 }"] },
);

/** A server for vehicle terminals, which connect to us. */
export const jt808Config = Type.Object(
  {
    listen: plainListen(7611),
    plain: plainConsent,
    terminals: Type.Record(Type.String({ pattern: "^[0-9a-f]{1,20}$" }), Listed, {
      default: {},
      title: "Terminals",
      description: "By their phone number, whose leading zeros do not matter; others are refused.",
      keyForm: { expected: "the phone number of a terminal", examples: ["13912345678"] },
    }),
    acceptUnknown: Type.Boolean({
      default: false,
      title: "Take terminals that are not listed",
      description: "Anybody who reaches the port may then report as any terminal.",
    }),
    authentication: Type.Union([Type.Literal("required"), Type.Literal("off")], {
      default: "required",
      title: "Whether a terminal must authenticate (0102) before it is heard",
      description: "`off` is for old terminals that report at once.",
    }),
    maxConnections: Type.Integer({ minimum: 1, maximum: 10_000, default: 6000, title: "Connections at once" }),
    maxBytesPerS: Type.Integer({
      minimum: 1000,
      maximum: 10_000_000,
      default: 20_000,
      title: "Bytes per second of one connection",
      description: "A connection that sends more is read more slowly; nothing is lost.",
    }),
    idleTimeoutS: Type.Integer({ minimum: 1, maximum: 86_400, default: 300, title: "Close a connection idle for" }),
    answerTimeoutMs: Type.Integer({
      minimum: 100,
      maximum: 28_000,
      default: 20_000,
      title: "A terminal answers a text within",
    }),
    subjectPeriodMs: Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      default: 60_000,
      title: "Period of a terminal",
      description: "It is silent when three periods bring no message.",
    }),
  },
  { additionalProperties: false, title: "Vehicle terminals, JT/T 808" },
);
export type Jt808Config = Static<typeof jt808Config>;

import { type Static, Type } from "typebox";

/** One receiver behind gpsd, reached by its JSON protocol. */
export const gpsdConfig = Type.Object(
  {
    tcp: Type.String({
      pattern: "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$",
      default: "127.0.0.1:2947",
      title: "Where gpsd listens",
      description: "host:port. gpsd listens on loopback only, unless it is started with -G.",
      examples: ["127.0.0.1:2947"],
    }),
    receiver: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^[^"\\\\\\s]+$',
        title: "Receiver behind gpsd",
        description: "Its path as gpsd knows it. Without it, the first that reports is followed until it is gone.",
        examples: ["/dev/ttyACM0"],
      }),
    ),
    periodMs: Type.Integer({
      minimum: 50,
      maximum: 60_000,
      default: 1000,
      title: "Period of the receiver",
      description: "It is silent when three periods bring no report.",
    }),
  },
  { additionalProperties: false, title: "GNSS receiver behind gpsd" },
);
export type GpsdConfig = Static<typeof gpsdConfig>;

import { type Static, Type } from "typebox";

/** One TETRA radio on a serial port of its own, or behind a serial server. Exactly one of `serial` and `tcp`. */
export const tetraPeiConfig = Type.Object(
  {
    serial: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        title: "Serial port",
        description: "By its by-id path, which stays the same when another device is plugged in.",
        examples: ["/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"],
      }),
    ),
    baudRate: Type.Integer({
      minimum: 300,
      maximum: 1_000_000,
      default: 115_200,
      title: "Baud rate of the serial port",
    }),
    tcp: Type.Optional(
      Type.String({
        pattern: "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$",
        title: "Serial server",
        description: "host:port that passes the radio's bytes on as they are.",
        examples: ["192.168.1.30:4001"],
      }),
    ),
    periodMs: Type.Integer({
      minimum: 1000,
      maximum: 60_000,
      default: 10_000,
      title: "Between two questions for registration and signal",
      description: "The radio is silent when three of them bring no registration.",
    }),
    timeoutMs: Type.Integer({ minimum: 200, maximum: 60_000, default: 5000, title: "Longest wait for an answer" }),
    busyForMs: Type.Integer({
      minimum: 0,
      maximum: 120_000,
      default: 15_000,
      title: "How long a busy radio is asked again",
      description: "+CME ERROR: 42; the commands behind it wait.",
    }),
    proof: Type.Union([Type.Literal("none"), Type.Literal("received"), Type.Literal("consumed")], {
      default: "received",
      title: "What proves a text that we send",
      description: "none: the network took it · received: the handset has it · consumed: its user has seen it.",
    }),
    proofWithinMs: Type.Integer({
      minimum: 1000,
      maximum: 600_000,
      default: 20_000,
      title: "Longest wait for the proof",
    }),
    maxMessageBits: Type.Integer({
      minimum: 256,
      maximum: 2047,
      default: 1120,
      title: "Longest message of the network, bits",
      description: "A longer text is sent in parts.",
    }),
    partsWithinMs: Type.Integer({
      minimum: 1000,
      maximum: 600_000,
      default: 60_000,
      title: "Longest wait for all parts",
    }),
    emergencyStatusCodes: Type.Array(Type.Integer({ minimum: 0, maximum: 65_535 }), {
      maxItems: 32,
      default: [0],
      title: "Statuses that are a call for help",
      description: "Status 0 is TETRA's own; a network may have more, e.g. 32772 (8004 in hex).",
    }),
    subjectPeriodMs: Type.Integer({
      minimum: 1000,
      maximum: 86_400_000,
      default: 600_000,
      title: "How often a handset should be heard",
      description: "It is silent after three times as long.",
    }),
    signalEveryMs: Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      default: 60_000,
      title: "Between two signal records",
    }),
    renewMs: Type.Integer({
      minimum: 10_000,
      maximum: 3_600_000,
      default: 300_000,
      title: "Between two renewals of the service profile",
      description: "A radio that restarted behind a serial server forgets what it was to hand over.",
    }),
    restartLines: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      maxItems: 16,
      default: ["RDY", "READY", "+STARTUP"],
      title: "Beginnings of lines by which the radio says that it has started",
    }),
  },
  { additionalProperties: false, title: "TETRA radio, PEI" },
);
export type TetraPeiConfig = Static<typeof tetraPeiConfig>;

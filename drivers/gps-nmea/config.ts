import { type Static, Type } from "typebox";

/** One NMEA 0183 receiver on a serial port of its own, or behind a serial server. Exactly one of `serial` and `tcp`. */
export const gpsNmeaConfig = Type.Object(
  {
    serial: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        title: "Serial port",
        description: "By its by-id path, which stays the same when another device is plugged in.",
        examples: ["/dev/serial/by-id/usb-u-blox_7-if00"],
      }),
    ),
    baudRate: Type.Integer({ minimum: 300, maximum: 1_000_000, default: 9600, title: "Baud rate of the serial port" }),
    tcp: Type.Optional(
      Type.String({
        pattern: "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$",
        title: "Serial server",
        description: "host:port that sends the receiver's bytes as they are.",
        examples: ["192.168.1.20:4001"],
      }),
    ),
    periodMs: Type.Integer({
      minimum: 50,
      maximum: 60_000,
      default: 1000,
      title: "Period of the receiver",
      description: "It is silent when three periods bring no sentence.",
    }),
  },
  { additionalProperties: false, title: "GNSS receiver, NMEA 0183" },
);
export type GpsNmeaConfig = Static<typeof gpsNmeaConfig>;

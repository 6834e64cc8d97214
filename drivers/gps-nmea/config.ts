import { type Static, Type } from "typebox";

/** A usual rule of thumb; a receiver under trees or between high houses is worse. */
export const METRES_PER_HDOP = 5;
const ADDRESS = "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$";

/** One NMEA 0183 receiver: on a serial port of its own, behind a serial server, or sending datagrams to us. */
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
        pattern: ADDRESS,
        title: "Serial server",
        description: "host:port that sends the receiver's bytes as they are.",
        examples: ["192.168.1.20:4001"],
      }),
    ),
    udp: Type.Optional(
      Type.String({
        pattern: ADDRESS,
        title: "Where datagrams arrive",
        description: "host:port of this machine to which the receiver sends; 0.0.0.0 is every address of it.",
        examples: ["0.0.0.0:10110"],
      }),
    ),
    udpFrom: Type.Optional(
      Type.String({
        pattern: "^[0-9A-Fa-f.:]{2,45}$",
        title: "The only sender of datagrams",
        description: "IP address. Without it, whoever sends first is heard until it is silent for three periods.",
        examples: ["192.168.1.30"],
      }),
    ),
    metresPerHdop: Type.Number({
      minimum: 0.1,
      maximum: 100,
      default: METRES_PER_HDOP,
      title: "Metres of error for each unit of HDOP",
      description: "Gives the accuracy where the receiver does not estimate it itself (GST).",
    }),
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

import { type Static, Type } from "typebox";

const NAME_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$";

/** Parking by the ignition of a vehicle. */
export const ParkingDocument = Type.Object(
  {
    device: Type.String({
      pattern: NAME_PATTERN,
      title: "Device",
      description: "The modbus-io unit on which the ignition hangs. It goes on being read at full speed.",
      expected: "the name of a device",
      examples: ["board"],
    }),
    input: Type.String({
      pattern: "^[a-z0-9][a-z0-9-]{0,31}$",
      default: "ignition",
      title: "Input that is on while the ignition is on",
    }),
    settleS: Type.Integer({
      minimum: 0,
      maximum: 3600,
      default: 10,
      title: "Off for so many seconds is parked",
      description: "Starting an engine drops the contact for a moment.",
    }),
    slowBy: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 30,
      title: "While parked every poll and position comes so many times more rarely",
    }),
    healthEveryS: Type.Integer({
      minimum: 60,
      maximum: 86_400,
      default: 600,
      title: "While parked the node speaks every so many seconds",
    }),
    shutdownAfterS: Type.Integer({
      minimum: 0,
      maximum: 604_800,
      default: 0,
      title: "Parked for so long, the gateway ends",
      description: "0: never. It sends what waits, closes its journal and ends with exit code 0.",
    }),
    shutdownCommand: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
        minItems: 1,
        maxItems: 16,
        title: "Then run, without a shell",
        examples: [["systemctl", "poweroff"]],
      }),
    ),
  },
  { title: "Parking", examples: [{ device: "board", input: "ignition" }] },
);
export type ParkingDocument = Static<typeof ParkingDocument>;

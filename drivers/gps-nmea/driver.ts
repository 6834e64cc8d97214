import type { Driver } from "../driver.ts";
import { gpsNmeaConfig } from "./config.ts";

export const gpsNmea: Driver<typeof gpsNmeaConfig> = {
  kind: "gps-nmea",
  config: gpsNmeaConfig,

  check({ serial, tcp }) {
    if ((serial === undefined) !== (tcp === undefined)) return [];
    return [
      {
        pointer: "",
        message: serial === undefined ? "neither serial nor tcp is given" : "both serial and tcp are given",
        hint: "Give the port of the receiver as serial: /dev/serial/by-id/…, or its serial server as tcp: host:port.",
      },
    ];
  },

  async run() {
    throw new Error("not yet");
  },
};

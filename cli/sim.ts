import { Command } from "commander";
import { cameraCommand } from "./sim/camera.ts";
import { cemCommand } from "./sim/cem.ts";
import { fleetCommand } from "./sim/fleet.ts";
import { gpsCommand } from "./sim/gps.ts";
import { gpsdCommand } from "./sim/gpsd.ts";
import { hj212Command } from "./sim/hj212.ts";
import { ioCommand } from "./sim/io.ts";
import { jt808Command } from "./sim/jt808.ts";
import { linkCommand } from "./sim/link.ts";
import { noiseCommand } from "./sim/noise.ts";
import { radioCommand } from "./sim/radio.ts";
import { svantekCommand } from "./sim/svantek.ts";

/** `shao sim KIND`: one simulated device, alone, on a real port; the line to a bridge; or a fleet. */
export function command(): Command {
  return new Command()
    .addCommand(cameraCommand())
    .addCommand(radioCommand())
    .addCommand(noiseCommand())
    .addCommand(cemCommand())
    .addCommand(svantekCommand())
    .addCommand(gpsCommand())
    .addCommand(jt808Command())
    .addCommand(gpsdCommand())
    .addCommand(ioCommand())
    .addCommand(hj212Command())
    .addCommand(linkCommand())
    .addCommand(fleetCommand())
    .addHelpText(
      "after",
      "\nEach prints one JSON line that says where it is found, and runs until Ctrl-C; `fleet` ends by itself.",
    );
}

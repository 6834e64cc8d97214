import { Command } from "commander";
import { gpsCommand } from "./sim/gps.ts";
import { jt808Command } from "./sim/jt808.ts";
import { noiseCommand } from "./sim/noise.ts";

/** `shao sim KIND`: one simulated device, alone, on a real port. */
export function command(): Command {
  return new Command()
    .addCommand(noiseCommand())
    .addCommand(gpsCommand())
    .addCommand(jt808Command())
    .addHelpText("after", "\nEach prints one JSON line that says where it is found, and runs until Ctrl-C.");
}

import process from "node:process";
import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";

// A program of its own, so that it can run at the gateway's end of a link: meters on one port of loopback, loud in turn.
const [port = 0, meters = 1, cycleS = 20, loudS = 4] = process.argv.slice(2).map(Number);
await startNoiseSimulator({
  listen: { tcp: { host: "127.0.0.1", port }, framing: "tcp" },
  units: Array.from({ length: meters }, (_, index) => index + 1),
  levelAt: (unit, atMs) => {
    const isLoud = (atMs / 1000 + (unit * cycleS) / meters) % cycleS < loudS;
    return (isLoud ? 85 : 45) + 2 * Math.sin(atMs / 1700 + unit);
  },
});
process.once("disconnect", () => process.exit(0));

import { setTimeout as wait } from "node:timers/promises";
import type { FaultSite } from "../fault-site.ts";
import { type Half, halfOf } from "../lanes.ts";
import type { Fault } from "./fault.ts";

const SLICE_MS = 100;

/** A process that hangs, as on a swapping machine: sockets stay open, nothing moves. */
export const stopFault: Fault = {
  name: "stop",
  does: "SIGSTOP for some seconds, then SIGCONT",
  lanes: ["gateway", "bridge", "second-bridge"],
  stroke(lane, random) {
    const half = halfOf(lane);
    return {
      says: `${half} stopped`,
      holdMs: 1_000 + random() * 7_000,
      inject: async (site) => site.child(half).kill("SIGSTOP"),
      end: async (site) => site.child(half).kill("SIGCONT"),
    };
  },
};

/** A bridge on a machine with too much to do: it runs for some milliseconds of each 100. */
export const slowBridgeFault: Fault = {
  name: "slow-bridge",
  does: "the bridge gets a few milliseconds of each 100",
  lanes: ["bridge", "second-bridge"],
  stroke(lane, random) {
    const half = halfOf(lane);
    const runMs = 5 + random() * 20;
    const forMs = 3_000 + random() * 5_000;
    return {
      says: `${half} gets ${Math.round(runMs)} ms of each ${SLICE_MS}`,
      holdMs: 0,
      inject: (site) => slices(site, half, runMs, forMs),
      end: async () => {},
    };
  },
};

async function slices(site: FaultSite, half: Half, runMs: number, forMs: number): Promise<void> {
  const child = site.child(half);
  for (const untilMs = Date.now() + forMs; Date.now() < untilMs; ) {
    child.kill("SIGSTOP");
    await wait(SLICE_MS - runMs);
    child.kill("SIGCONT");
    await wait(runMs);
  }
}

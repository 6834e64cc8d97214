import type { Fault } from "./fault.ts";

/** It dies without a word and comes back without a memory: sessions, subscriptions, retained states and all under way are gone. */
export const brokerKilledFault: Fault = {
  name: "broker-killed",
  does: "SIGKILL of the broker outside (Mosquitto), which comes back with lost sessions",
  lanes: ["link"],
  needs: ["mosquitto"],
  stroke: (_lane, random) => ({
    says: "broker killed",
    holdMs: random() * 3_000,
    inject: async (site) => site.broker.kill(),
    end: async (site) => site.broker.start(),
  }),
};

/** It hangs: its connections stay open, and what it had taken comes late. */
export const brokerStoppedFault: Fault = {
  name: "broker-stopped",
  does: "SIGSTOP of the broker outside for some seconds, then SIGCONT",
  lanes: ["link"],
  needs: ["mosquitto"],
  stroke: (_lane, random) => ({
    says: "broker stopped",
    holdMs: 1_000 + random() * 6_000,
    inject: async (site) => site.broker.signal("SIGSTOP"),
    end: async (site) => site.broker.signal("SIGCONT"),
  }),
};

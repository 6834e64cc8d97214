import type { NotificationChannel } from "./channel.ts";

/**
 * The crew's own page fetches what is for it, and its connection proves that it came; see deliveries.ts. Its rows are made
 * with the assignment itself and never attempted by the courier.
 */
export const crewPageChannel: NotificationChannel = {
  name: "crew-page",
  pausesMs: [],
  giveUpMs: Number.POSITIVE_INFINITY,
  provesCrew: true,
  plan: async () => [],
  deliver: async () => ({ outcome: "retry", code: "CREW_PAGE_CLOSED", message: "no page of the crew is open" }),
};

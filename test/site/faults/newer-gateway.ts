import type { Fault } from "./fault.ts";

/** An upgrade of the boxes before the bridge, and its way back: what nobody here knows yet is stored as it came. */
export const newerGatewayFault: Fault = {
  name: "newer-gateway",
  does: "the gateway is one of a later version for a while: unknown kinds and fields, a higher version beside ours",
  lanes: ["gateway"],
  stroke: (_lane, random) => ({
    says: "gateway of a later version",
    holdMs: 4_000 + random() * 4_000,
    async inject(site) {
      await site.kill("gateway");
      site.setGateway(true);
      await site.startHalf("gateway");
    },
    async end(site) {
      await site.kill("gateway");
      site.setGateway(false);
      await site.startHalf("gateway");
    },
  }),
};

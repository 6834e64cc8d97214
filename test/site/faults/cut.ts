import { halfOf } from "../lanes.ts";
import type { Fault } from "./fault.ts";

const MAX_PAUSE_MS = 1_500;

/** Everything that was not synced is gone, whoever believed that it was written. */
export const powerCutFault: Fault = {
  name: "cut",
  does: "the power of a half's disk is cut while it writes (ext4 on a loop mount, shut down without its log)",
  lanes: ["gateway", "bridge"],
  needs: ["loop-disk"],
  stroke(lane, random) {
    const half = halfOf(lane);
    const isOffline = random() < 0.5;
    const afterMs = (isOffline ? 500 : 0) + random() * MAX_PAUSE_MS;
    return {
      says: `${half}: power cut${isOffline ? ", offline before" : ""}`,
      holdMs: 0,
      async inject(site) {
        // Records that nobody else has yet are those that a lie about the disk costs.
        if (half === "gateway" && isOffline) site.link.set("cut");
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        // What is seen now was acknowledged, and has to be there after the cut.
        site.observer.look();
        if (half === "gateway") site.observer.pause();
        site.disk(half).cut();
        await site.kill(half);
        await site.disk(half).remount();
        if (half === "bridge") await site.checkReceipts();
        else site.observer.watch();
      },
      async end(site) {
        if (half === "gateway" && isOffline) site.link.set("open");
        await site.startHalf(half);
      },
    };
  },
};

import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FaultSite } from "../fault-site.ts";
import type { Fault } from "./fault.ts";

/** Said at once: a half that reads an empty file would take it for the present. */
function setClock(site: FaultSite, to: string): void {
  const file = join(site.between("gateway"), "clock");
  writeFileSync(`${file}.new`, `${to}\n`);
  renameSync(`${file}.new`, file);
}

/** A box without a battery: it boots in 1970, and NTP or a receiver puts it right while it runs. */
export const clock1970Fault: Fault = {
  name: "clock-1970",
  does: "the gateway boots in 1970, then its clock jumps to now",
  lanes: ["gateway"],
  needs: ["faketime"],
  stroke: (_lane, random) => ({
    says: "gateway boots in 1970",
    holdMs: 2_000 + random() * 4_000,
    async inject(site) {
      await site.kill("gateway");
      setClock(site, "@1970-01-01 00:00:20");
      await site.startHalf("gateway");
    },
    end: async (site) => setClock(site, "+0"),
  }),
};

/** Somebody sets the clock, or a daemon steps it; the monotonic clock does not follow. */
export const clockBackFault: Fault = {
  name: "clock-back",
  does: "the running gateway's clock jumps back by minutes to weeks, and later to now",
  lanes: ["gateway"],
  needs: ["faketime"],
  stroke(_lane, random) {
    const minutes = Math.round(1 + random() ** 3 * 40_000);
    return {
      says: `gateway's clock ${minutes} minutes back`,
      holdMs: 2_000 + random() * 4_000,
      inject: async (site) => setClock(site, `-${minutes}m`),
      end: async (site) => setClock(site, "+0"),
    };
  },
};

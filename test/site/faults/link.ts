import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "./fault.ts";

/** What a box in a valley has for an hour: 64 kbit/s, 300 ms, three packets in a hundred lost, and all of it shared. */
export const badLineFault: Fault = {
  name: "bad-line",
  does: "the gateway's connection goes over the TUN link: 64 kbit/s, 300 ms, 3 % of the packets lost",
  lanes: ["link"],
  needs: ["bad-line"],
  stroke: (_lane, random) => ({
    says: "line gets bad",
    holdMs: 8_000 + random() * 12_000,
    inject: (site) => site.route("bad line"),
    end: (site) => site.route("good line"),
  }),
};

/** A reset: both ends hear of it at once. */
export const linkCutFault: Fault = {
  name: "link-cut",
  does: "connections are reset and refused",
  lanes: ["link"],
  stroke: (_lane, random) => ({
    says: "link cut",
    holdMs: 100 + random() * 4_000,
    inject: async ({ link }) => link.set("cut"),
    end: async ({ link }) => link.set("open"),
  }),
};

/** What a NAT that forgot does: the connection stays, nothing moves, and then it is gone. */
export const halfOpenFault: Fault = {
  name: "half-open",
  does: "connections stay open and move nothing",
  lanes: ["link"],
  stroke: (_lane, random) => ({
    says: "link half-open",
    holdMs: 1_000 + random() * 9_000,
    inject: async ({ link }) => link.set("stalled"),
    async end({ link }) {
      link.set("cut");
      link.set("open");
    },
  }),
};

/** The resolver is away while the connection breaks: the node knows only a name. */
export const dnsGoneFault: Fault = {
  name: "dns-gone",
  does: "the gateway's names are not found, and its connection is reset",
  lanes: ["link"],
  needs: ["shim"],
  stroke: (_lane, random) => ({
    says: "names not found",
    holdMs: 1_000 + random() * 4_000,
    async inject(site) {
      writeFileSync(join(site.between("gateway"), "dns-gone"), "");
      site.link.set("cut");
      site.link.set("open");
    },
    end: async (site) => rmSync(join(site.between("gateway"), "dns-gone"), { force: true }),
  }),
};

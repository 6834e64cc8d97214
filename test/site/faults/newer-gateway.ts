import { setTimeout as wait } from "node:timers/promises";
import type { FaultSite } from "../fault-site.ts";
import type { Fault } from "./fault.ts";

/** Other faults may keep it from its bridge for a while; one that is never heard of does not speak its bridge's version. */
const HEARD_WITHIN_MS = 60_000;

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
      if (!(await isHeard(site))) site.brokenReceipts.push("a gateway of a later version was never heard");
      await site.kill("gateway");
      site.setGateway(false);
      await site.startHalf("gateway");
    },
  }),
};

/** Whether the bridge has of this gateway's run what nobody knows: a field in each record, and a kind. */
async function isHeard(site: FaultSite): Promise<boolean> {
  for (const untilMs = Date.now() + HEARD_WITHIN_MS; Date.now() < untilMs; await wait(250)) {
    const newest = "SELECT run FROM runs ORDER BY first_received_ms DESC LIMIT 1";
    const rows = await site.data.rows(`SELECT kind, bytes FROM inbox WHERE run = (${newest})`).catch(() => []);
    const isLater = rows.some(({ bytes }) => Buffer.from(bytes as Uint8Array).includes('"later":'));
    if (isLater && rows.some(({ kind }) => kind === "later-device")) return true;
  }
  return false;
}

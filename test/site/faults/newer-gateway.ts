import { setTimeout as wait } from "node:timers/promises";
import type { FaultSite } from "../fault-site.ts";
import type { Fault } from "./fault.ts";

/** Other faults may keep it from its bridge for a while; one that is never heard of does not speak its bridge's version. */
const HEARD_WITHIN_MS = 180_000;

/** An upgrade of the boxes before the bridge, and its way back: what nobody here knows yet is stored as it came. */
export const newerGatewayFault: Fault = {
  name: "newer-gateway",
  does: "the gateway is one of a later version for a while: unknown kinds and fields, a higher version beside ours",
  lanes: ["gateway"],
  stroke(_lane, random) {
    let before: ReadonlySet<unknown> = new Set();
    return {
      says: "gateway of a later version",
      holdMs: 4_000 + random() * 4_000,
      async inject(site) {
        await site.kill("gateway");
        before = new Set((await rowsOf(site, "SELECT run FROM runs")).map(({ run }) => run));
        site.setGateway(true);
        await site.startHalf("gateway");
      },
      async end(site) {
        if (!(await isHeard(site, before))) site.brokenReceipts.push("a gateway of a later version was never heard");
        await site.kill("gateway");
        site.setGateway(false);
        await site.startHalf("gateway");
      },
    };
  },
};

/** Whether the bridge has, of a run that came meanwhile, what nobody knows: a field in each record, and a kind. */
async function isHeard(site: FaultSite, before: ReadonlySet<unknown>): Promise<boolean> {
  for (const untilMs = Date.now() + HEARD_WITHIN_MS; Date.now() < untilMs; await wait(250)) {
    const runs = (await rowsOf(site, "SELECT run FROM runs")).filter(({ run }) => !before.has(run));
    for (const { run } of runs) {
      const rows = await rowsOf(site, `SELECT kind, bytes FROM inbox WHERE run = '${String(run)}'`);
      const isLater = rows.some(({ bytes }) => Buffer.from(bytes as Uint8Array).includes('"later":'));
      if (isLater && rows.some(({ kind }) => kind === "later-device")) return true;
    }
  }
  return false;
}

/** The bridge may be dead just now, or its database on its way back from a backup. */
function rowsOf(site: FaultSite, sql: string) {
  return site.data.rows(sql).catch(() => []);
}

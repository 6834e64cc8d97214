import type { NodeView } from "../../../cloud-bridge/api/schema/fleet.ts";

/** What the nodes wrote beside what the bridge's books say. */
export interface FleetAccount {
  readonly written: number;
  readonly expected: number;
  readonly stored: number;
  readonly declared: number;
  readonly outstanding: number;
  readonly unexplained: number;
  readonly quarantined: number;
  /** Written and not stored readably, once everything has come to rest. */
  readonly lost: number;
}

/** @param written records of each node, by its id; a node that the bridge does not know has lost all of them */
export function accountFleet(
  written: ReadonlyMap<string, number>,
  views: readonly Pick<NodeView, "id" | "accounting">[],
): FleetAccount {
  const sums = { expected: 0, stored: 0, declared: 0, outstanding: 0, unexplained: 0, quarantined: 0 };
  const missing = new Map(written);
  let lost = 0;
  for (const { id, accounting } of views) {
    lost += Math.max(0, (written.get(id) ?? 0) - (accounting.stored - accounting.quarantined));
    missing.delete(id);
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += accounting[key];
  }
  for (const head of missing.values()) lost += head;
  return { written: [...written.values()].reduce((sum, head) => sum + head, 0), ...sums, lost };
}

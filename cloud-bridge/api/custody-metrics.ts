import { Gauge, type Registry } from "prom-client";
import { type FleetDebt, fleetDebt } from "../fleet/worst-nodes.ts";
import type { Db } from "../store/database.ts";

/** Series by node: a scrape stays small however large the fleet; the sums beside them leave nobody out. */
const NODES_SHOWN = 100;

/** What of the fleet's records is not accounted for, for a scraper; nodes that owe nothing are not named. */
export function custodyMetrics(db: Db, registry: Registry): void {
  let asked: Promise<FleetDebt> | undefined;
  // All gauges of one scrape share one look at the database.
  const debt = (): Promise<FleetDebt> => {
    asked ??= fleetDebt(db, NODES_SHOWN).finally(() => {
      asked = undefined;
    });
    return asked;
  };
  const gauge = (name: string, help: string, labels: string[], fill: (of: Gauge, found: FleetDebt) => void): void => {
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      async collect() {
        const found = await debt();
        this.reset();
        fill(this, found);
      },
    });
  };
  gauge("shao_fleet_records_outstanding", "Records on their way, of all nodes", [], (of, found) =>
    of.set(found.outstanding),
  );
  gauge("shao_fleet_records_unexplained", "Records lost without a word, of all nodes", [], (of, found) =>
    of.set(found.unexplained),
  );
  const worst = `of the ${NODES_SHOWN} nodes that owe most`;
  gauge("shao_records_outstanding", `Records on their way, ${worst}`, ["node"], (of, found) => {
    for (const { node, outstanding } of found.worst) of.set({ node }, outstanding);
  });
  gauge("shao_records_unexplained", `Records lost without a word, ${worst}`, ["node"], (of, found) => {
    for (const { node, unexplained } of found.worst) of.set({ node }, unexplained);
  });
  gauge(
    "shao_node_lane_depth",
    `Records waiting by lane, by newest health, ${worst}`,
    ["node", "lane"],
    (of, found) => {
      for (const { node, health } of found.worst) {
        for (const [lane, depth] of (health?.laneDepth ?? []).entries()) of.set({ node, lane: String(lane) }, depth);
      }
    },
  );
  gauge("shao_node_oldest_unsent_seconds", `Age of the oldest unsent record, ${worst}`, ["node"], (of, found) => {
    for (const { node, health } of found.worst) {
      if (health?.oldestUnsentMs !== undefined) of.set({ node }, health.oldestUnsentMs / 1000);
    }
  });
  gauge("shao_node_hours_to_full", `Until a journal must give up records, ${worst}`, ["node"], (of, found) => {
    for (const { node, health } of found.worst) {
      if (health?.hoursToFull !== undefined) of.set({ node }, health.hoursToFull);
    }
  });
  gauge(
    "shao_node_alarm_store_full",
    `Alarms have filled their share of a journal, ${worst}`,
    ["node"],
    (of, found) => {
      for (const { node, health } of found.worst) {
        if (health?.alarmStoreFull !== undefined) of.set({ node }, Number(health.alarmStoreFull));
      }
    },
  );
}

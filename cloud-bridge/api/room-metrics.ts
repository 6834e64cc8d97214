import { Counter, Gauge, type Registry } from "prom-client";
import type { Room } from "../store/room.ts";

export interface RoomSource {
  readonly facts: (Room & { readonly budgetBytes: number | undefined; readonly isShort: boolean }) | undefined;
  /** By `why group`. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** What the bridge's data takes, what there is left, and what had to go. */
export function roomMetrics(source: RoomSource, registry: Registry): void {
  const gauge = (name: string, help: string, read: (facts: NonNullable<RoomSource["facts"]>) => number | undefined) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = source.facts && read(source.facts);
        if (value === undefined) this.reset();
        else this.set(value);
      },
    });
  };
  gauge("shao_database_bytes", "What the database holds", (facts) => facts.databaseBytes);
  gauge("shao_evidence_bytes", "Evidence files, whole and growing", (facts) => facts.evidenceBytes);
  gauge("shao_disk_free_bytes", "Free on the disk with the state folder", (facts) => facts.diskFreeBytes);
  gauge("shao_room_budget_bytes", "What database and evidence may take", (facts) => facts.budgetBytes);
  gauge("shao_room_short", "1: records go before their time", (facts) => Number(facts.isShort));
  new Counter({
    name: "shao_retention_dropped_total",
    help: "Records dropped by this process: why is term or room",
    labelNames: ["why", "group"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, count] of source.dropped) {
        const [why = "", group = ""] = key.split(" ");
        this.inc({ why, group }, count);
      }
    },
  });
}

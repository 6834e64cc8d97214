import { sql } from "kysely";
import { Value } from "typebox/value";
import { HealthBody } from "../../protocol/bodies.ts";
import type { Db } from "../store/database.ts";

/** What a node owes, and what it says of its own queue. */
export interface NodeDebt {
  readonly node: string;
  readonly outstanding: number;
  readonly unexplained: number;
  readonly health: Pick<HealthBody, "laneDepth" | "oldestUnsentMs" | "hoursToFull" | "alarmStoreFull"> | undefined;
}

export interface FleetDebt {
  readonly outstanding: number;
  readonly unexplained: number;
  /** Worst first, and no more of them than were asked for. */
  readonly worst: readonly NodeDebt[];
}

/** Nodes of which records are outstanding or unexplained. Costs as much as there are runs with gaps, not as there are runs. */
export async function recordDebts(db: Db): Promise<Pick<NodeDebt, "node" | "outstanding" | "unexplained">[]> {
  const rows = await db
    .selectFrom("runs")
    .select([
      "node",
      sql<number>`sum(case when listed = 1 then gaps else 0 end)`.as("outstanding"),
      sql<number>`sum(case when listed = 1 then 0 else gaps end)`.as("unexplained"),
    ])
    .where("gaps", ">", 0)
    .groupBy("node")
    .execute();
  return rows.map(({ node, outstanding, unexplained }) => ({
    node,
    outstanding: Number(outstanding),
    unexplained: Number(unexplained),
  }));
}

/** The sums over all nodes, and the worst of them with what they say themselves. */
export async function fleetDebt(db: Db, limit: number): Promise<FleetDebt> {
  const debts = (await recordDebts(db)).sort(
    (a, b) => b.unexplained - a.unexplained || b.outstanding - a.outstanding || (a.node < b.node ? -1 : 1),
  );
  const worst = debts.slice(0, limit);
  const ids = worst.map(({ node }) => node);
  const nodes =
    ids.length === 0 ? [] : await db.selectFrom("nodes").select(["id", "health"]).where("id", "in", ids).execute();
  const healthOf = new Map(nodes.map(({ id, health }) => [id, healthFrom(health)]));
  return {
    outstanding: debts.reduce((sum, { outstanding }) => sum + outstanding, 0),
    unexplained: debts.reduce((sum, { unexplained }) => sum + unexplained, 0),
    worst: worst.map((debt) => ({ ...debt, health: healthOf.get(debt.node) })),
  };
}

function healthFrom(json: string | null): HealthBody | undefined {
  const body: unknown = json === null ? undefined : JSON.parse(json);
  return Value.Check(HealthBody, body) ? body : undefined;
}

import { sql } from "kysely";
import type { Db } from "../store/database.ts";

/**
 * Nodes whose process is gone have no connection, whatever it wrote last. A process is gone when it has no session any more.
 * @param session begin of the session's name, before the id of the process
 * @returns those nodes
 */
export async function noteGoneWorkers(db: Db, session: string, nowMs: number): Promise<readonly string[]> {
  const gone = await db
    .updateTable("nodes")
    .set({ online: 0, state_at_ms: nowMs })
    .where("online", "=", 1)
    .where("worker", "is not", null)
    .where(
      sql<boolean>`not exists (select 1 from pg_stat_activity as seen
        where seen.datname = current_database() and seen.application_name = ${session} || nodes.worker)`,
    )
    .returning("id")
    .execute();
  return gone.map(({ id }) => id);
}

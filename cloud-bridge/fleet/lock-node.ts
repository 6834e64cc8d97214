import { sql } from "kysely";
import type { Trx } from "../store/database.ts";
import { isPostgres } from "../store/dialect.ts";

/** Whoever writes about a node holds its row to the end of the transaction. One that is not there yet is made by its writer. */
export async function lockNode(trx: Trx, node: string): Promise<void> {
  if (isPostgres(trx)) await sql`select id from nodes where id = ${node} for update`.execute(trx);
}

import { type Expression, type SqlBool, sql } from "kysely";
import type { Trx } from "../store/database.ts";

/** Up to so many cases are looked up one by one; of more, a page is full before many have been passed over. */
const FEW = 3000;

/**
 * Condition on `cases`: one of these units has a part in it. Which way is short depends on how many cases they have, and the
 * database does not know.
 */
export async function heldBy(trx: Trx, unitIds: readonly string[]): Promise<Expression<SqlBool>> {
  const units = sql.join(unitIds.length === 0 ? [""] : unitIds);
  const counted = await sql<{ n: number }>`
    select count(*) as n from (select 1 from case_units where unit_id in (${units}) limit ${sql.lit(FEW)}) as counted
  `.execute(trx);
  if (Number(counted.rows[0]?.n) < FEW) {
    return sql<SqlBool>`cases.id in (select case_id from case_units where unit_id in (${units}))`;
  }
  // By the case's own rows: the index by unit would be asked for each unit.
  return sql<SqlBool>`exists (
    select 1 from case_units where case_units.case_id = cases.id and coalesce(case_units.unit_id, '') in (${units})
  )`;
}

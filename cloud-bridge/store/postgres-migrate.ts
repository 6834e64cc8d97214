import type { ClientBase } from "pg";
import { type FaultPoints, noFaultPoints } from "./fault-points.ts";
import { postgresSql } from "./migration.ts";
import { assertNotNewer, MIGRATIONS } from "./migrations.ts";

/** Any number that no other program uses in this database. */
const MIGRATION_LOCK = 0x53_48_41_50;

/** Brings the database to this program's version, each step in its own transaction; of several processes one does it. */
export async function migratePostgres(
  client: ClientBase,
  nowMs: number,
  faultPoints: FaultPoints = noFaultPoints,
): Promise<void> {
  const step = async (act: () => Promise<void>) => {
    await client.query("BEGIN");
    try {
      await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
      await act();
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {});
      throw error;
    }
  };
  const version = async () => {
    const { rows } = await client.query("SELECT coalesce(max(version), 0) AS version FROM schema_version");
    return Number(rows[0].version);
  };
  await step(async () => {
    await client.query(`
      CREATE TABLE IF NOT EXISTS meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL);
      CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at_ms BIGINT NOT NULL);
    `);
  });
  assertNotNewer(await version());
  for (const migration of MIGRATIONS) {
    await step(async () => {
      const done = await client.query("SELECT 1 FROM schema_version WHERE version = $1", [migration.version]);
      if (done.rows.length > 0) return;
      await client.query(postgresSql(migration));
      await client.query("INSERT INTO schema_version (version, name, applied_at_ms) VALUES ($1, $2, $3)", [
        migration.version,
        migration.name,
        nowMs,
      ]);
      faultPoints.reach("bridge-mid-migration");
    });
  }
}

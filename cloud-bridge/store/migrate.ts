import type Sqlite from "better-sqlite3";
import { type FaultPoints, noFaultPoints } from "./fault-points.ts";
import { assertNotNewer, MIGRATIONS } from "./migrations.ts";

/** Brings the file to this program's version, each step in its own transaction; two processes may try at once. */
export function migrate(file: Sqlite.Database, nowMs: number, faultPoints: FaultPoints = noFaultPoints): void {
  file.exec(`
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT;
  `);
  assertNotNewer(version(file));
  for (const migration of MIGRATIONS) {
    file
      .transaction(() => {
        if (file.prepare("SELECT 1 FROM schema_version WHERE version = ?").get(migration.version) !== undefined) return;
        file.exec(migration.sql);
        faultPoints.reach("bridge-mid-migration");
        file
          .prepare("INSERT INTO schema_version (version, name, applied_at_ms) VALUES (?, ?, ?)")
          .run(migration.version, migration.name, nowMs);
      })
      .immediate();
  }
}

function version(file: Sqlite.Database): number {
  return Number(file.prepare("SELECT coalesce(max(version), 0) FROM schema_version").pluck().get());
}

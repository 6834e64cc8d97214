import type Sqlite from "better-sqlite3";
import { BridgeError } from "./errors.ts";
import { type FaultPoints, noFaultPoints } from "./fault-points.ts";
import { first } from "./migrations/001-first.ts";
import { evidence } from "./migrations/003-evidence.ts";
import { custody } from "./migrations/004-custody.ts";

/** One step forward. There is no way back: a restore from a backup is. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const MIGRATIONS: readonly Migration[] = [first, evidence, custody];

/** Brings the file to this program's version, each step in its own transaction; two processes may try at once. */
export function migrate(file: Sqlite.Database, nowMs: number, faultPoints: FaultPoints = noFaultPoints): void {
  file.exec(`
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT;
  `);
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  const found = version(file);
  if (found > newest) {
    throw new BridgeError("STORE_NEWER", `the database is of version ${found}, this program knows up to ${newest}`, {
      status: 500,
      hint: "Start the newer version of Shao again, or restore the backup made before the upgrade.",
    });
  }
  for (const migration of MIGRATIONS) {
    file
      .transaction(() => {
        if (version(file) >= migration.version) return;
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

import type { Migration } from "../migration.ts";

/** What people on scene send of a case, and the tokens with which other systems report. */
export const field: Migration = {
  version: 15,
  name: "field",
  sql: `
CREATE TABLE case_evidence (
  evidence_id TEXT NOT NULL PRIMARY KEY, case_id TEXT NOT NULL, assignment_id TEXT, crew_id TEXT, author TEXT NOT NULL,
  at_ms INTEGER NOT NULL, device_time_ms INTEGER
) STRICT;
CREATE INDEX case_evidence_by_case ON case_evidence (case_id, at_ms);
CREATE TABLE source_tokens (
  id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, channels TEXT NOT NULL, unit_id TEXT,
  per_minute INTEGER NOT NULL, sha256 TEXT NOT NULL, created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER, last_used_at_ms INTEGER, revoked_at_ms INTEGER, revoked_by TEXT
) STRICT;
CREATE UNIQUE INDEX source_tokens_by_hash ON source_tokens (sha256);
`,
};

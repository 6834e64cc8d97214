import type { Migration } from "../migration.ts";

/** What a case carries besides its alarms: category and ground by versioned tables, people's reports, clocks, outcomes. */
export const casework: Migration = {
  version: 8,
  name: "casework",
  sql: `
CREATE TABLE catalogues (
  name TEXT NOT NULL, version TEXT NOT NULL, in_force_from_ms INTEGER NOT NULL, document TEXT NOT NULL,
  sha256 TEXT NOT NULL, loaded_at_ms INTEGER NOT NULL, loaded_by TEXT NOT NULL, PRIMARY KEY (name, version)
) STRICT;
CREATE TABLE reports (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, external_id TEXT NOT NULL, channel TEXT NOT NULL,
  request_sha256 TEXT NOT NULL, taken_by TEXT NOT NULL, received_at_ms INTEGER NOT NULL, occurred_at_ms INTEGER,
  category TEXT, title TEXT NOT NULL, description TEXT, address TEXT, reporter TEXT, contact TEXT,
  latitude_deg REAL, longitude_deg REAL, accuracy_m REAL, case_id TEXT NOT NULL, how TEXT NOT NULL,
  result TEXT, result_at_ms INTEGER, result_taken_at_ms INTEGER,
  called_back_at_ms INTEGER, called_back_by TEXT, is_resolved INTEGER, satisfaction INTEGER
) STRICT;
CREATE UNIQUE INDEX once_report ON reports (source, external_id);
CREATE INDEX reports_by_case ON reports (case_id);
CREATE INDEX reports_answered ON reports (source, result_at_ms) WHERE result_taken_at_ms IS NULL;
ALTER TABLE cases ADD COLUMN to_locate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN source TEXT;
ALTER TABLE cases ADD COLUMN external_id TEXT;
ALTER TABLE cases ADD COLUMN description TEXT;
ALTER TABLE cases ADD COLUMN address TEXT;
ALTER TABLE cases ADD COLUMN accuracy_m REAL;
ALTER TABLE cases ADD COLUMN grid_cell TEXT;
ALTER TABLE cases ADD COLUMN catalogue TEXT;
ALTER TABLE cases ADD COLUMN catalogue_version TEXT;
ALTER TABLE cases ADD COLUMN category TEXT;
ALTER TABLE cases ADD COLUMN severity TEXT NOT NULL DEFAULT 'urgent';
ALTER TABLE cases ADD COLUMN sla_class TEXT;
ALTER TABLE cases ADD COLUMN clock TEXT;
ALTER TABLE cases ADD COLUMN due_arrive_at_ms INTEGER;
ALTER TABLE cases ADD COLUMN due_total_at_ms INTEGER;
ALTER TABLE cases ADD COLUMN clock_paused_at_ms INTEGER;
ALTER TABLE cases ADD COLUMN unit_id TEXT;
ALTER TABLE cases ADD COLUMN found_by TEXT;
ALTER TABLE cases ADD COLUMN ground TEXT;
ALTER TABLE cases ADD COLUMN penalty_number TEXT;
ALTER TABLE cases ADD COLUMN fine_cny REAL;
ALTER TABLE cases ADD COLUMN outcome TEXT;
ALTER TABLE cases ADD COLUMN satisfaction INTEGER;
ALTER TABLE cases ADD COLUMN reopen_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN supervision_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN escalated_to TEXT;
ALTER TABLE cases ADD COLUMN parent_id TEXT;
ALTER TABLE cases ADD COLUMN merged_into TEXT;
CREATE INDEX cases_to_locate ON cases (number) WHERE to_locate = 1 AND closed_at_ms IS NULL;
CREATE INDEX cases_by_parent ON cases (parent_id) WHERE parent_id IS NOT NULL;
`,
};

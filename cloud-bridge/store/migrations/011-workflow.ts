import type { Migration } from "../migration.ts";

/** Back-up crews, recorded inhibition, whistles with a leg for each department. */
export const workflow: Migration = {
  version: 11,
  name: "workflow",
  sql: `
ALTER TABLE assignments ADD COLUMN role TEXT NOT NULL DEFAULT 'lead';
ALTER TABLE assignments ADD COLUMN holds INTEGER NOT NULL DEFAULT 1;
DROP INDEX one_assignment_per_crew;
CREATE UNIQUE INDEX one_assignment_per_crew ON assignments (crew_id) WHERE active = 1 AND holds = 1;
DROP INDEX one_assignment_per_case;
CREATE UNIQUE INDEX one_assignment_per_case ON assignments (case_id) WHERE active = 1 AND role = 'lead';
CREATE UNIQUE INDEX one_leg_per_crew_and_case ON assignments (case_id, crew_id) WHERE active = 1;

CREATE TABLE inhibitions (
  id TEXT PRIMARY KEY, node TEXT, device TEXT, site_id TEXT, cause TEXT NOT NULL, from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL, created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, ended_at_ms INTEGER, ended_by TEXT
) STRICT;
CREATE INDEX inhibitions_by_end ON inhibitions (to_ms);
ALTER TABLE cases ADD COLUMN inhibited_by TEXT;
CREATE INDEX cases_inhibited ON cases (inhibited_by) WHERE inhibited_by IS NOT NULL;

CREATE TABLE whistles (
  id TEXT PRIMARY KEY, file_number TEXT NOT NULL, case_id TEXT NOT NULL, kind TEXT NOT NULL, catalogue TEXT NOT NULL,
  catalogue_version TEXT NOT NULL, from_unit_id TEXT NOT NULL, lead_unit_id TEXT NOT NULL, aid TEXT, text TEXT NOT NULL,
  state TEXT NOT NULL, blown_by TEXT NOT NULL, blown_at_ms INTEGER NOT NULL, reviewed_by TEXT, reviewed_at_ms INTEGER,
  opinion TEXT, started_at_ms INTEGER, ended_at_ms INTEGER, updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_file_number ON whistles (file_number);
CREATE INDEX whistles_by_case ON whistles (case_id);
CREATE INDEX whistles_by_state ON whistles (state, blown_at_ms);
CREATE TABLE whistle_legs (
  id TEXT PRIMARY KEY, whistle_id TEXT NOT NULL, unit_id TEXT NOT NULL, is_lead INTEGER NOT NULL, state TEXT NOT NULL,
  due_scene_at_ms INTEGER, due_handle_at_ms INTEGER, received_at_ms INTEGER, received_by TEXT, on_scene_at_ms INTEGER,
  on_scene_by TEXT, ended_at_ms INTEGER, ended_by TEXT, result TEXT, scene_overdue INTEGER NOT NULL DEFAULT 0,
  handle_overdue INTEGER NOT NULL DEFAULT 0, rating_of_unit INTEGER, rating_of_unit_by TEXT, rating_of_unit_text TEXT,
  rating_of_caller INTEGER, rating_of_caller_by TEXT, rating_of_caller_text TEXT
) STRICT;
CREATE UNIQUE INDEX one_leg_per_unit ON whistle_legs (whistle_id, unit_id);
CREATE INDEX whistle_legs_by_unit ON whistle_legs (unit_id, state);
`,
};

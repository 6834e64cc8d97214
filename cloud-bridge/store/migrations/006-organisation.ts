import type { Migration } from "../migration.ts";

/**
 * Who works where: units with areas, people and their authority, shifts, duty filings and their supervision, calendars of
 * working time, permits; and which units have a part in a case.
 */
export const organisation: Migration = {
  version: 6,
  name: "organisation",
  sql: `
ALTER TABLE units ADD COLUMN areas TEXT NOT NULL DEFAULT '[]';
ALTER TABLE units ADD COLUMN calendar_id TEXT;
ALTER TABLE units ADD COLUMN phone TEXT;
ALTER TABLE units ADD COLUMN retired_at_ms INTEGER;
CREATE INDEX units_by_parent ON units (parent_id);

CREATE TABLE case_units (
  case_id TEXT NOT NULL, unit_id TEXT NOT NULL, why TEXT NOT NULL, since_ms INTEGER NOT NULL,
  PRIMARY KEY (case_id, unit_id)
) STRICT;
CREATE INDEX case_units_by_unit ON case_units (unit_id, case_id);
INSERT INTO case_units (case_id, unit_id, why, since_ms)
  SELECT cases.id, sites.unit_id, 'site', cases.opened_at_ms FROM cases JOIN sites ON sites.id = cases.site_id
  WHERE sites.unit_id IS NOT NULL;
INSERT INTO case_units (case_id, unit_id, why, since_ms)
  SELECT assignments.case_id, crews.unit_id, 'crew', min(assignments.created_at_ms)
  FROM assignments JOIN crews ON crews.id = assignments.crew_id
  WHERE NOT EXISTS (
    SELECT 1 FROM case_units WHERE case_units.case_id = assignments.case_id AND case_units.unit_id = crews.unit_id
  )
  GROUP BY assignments.case_id, crews.unit_id;

ALTER TABLE crews ADD COLUMN phone TEXT;
ALTER TABLE crews ADD COLUMN skills TEXT NOT NULL DEFAULT '[]';
ALTER TABLE crews ADD COLUMN areas TEXT NOT NULL DEFAULT '[]';
ALTER TABLE crews ADD COLUMN status TEXT NOT NULL DEFAULT 'available';
ALTER TABLE crews ADD COLUMN status_cause TEXT;
CREATE INDEX crews_by_unit ON crews (unit_id);
CREATE INDEX crews_by_radio ON crews (radio_issi);
CREATE TABLE people (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, unit_id TEXT NOT NULL, badge TEXT, phone TEXT, radio_issi TEXT,
  authority TEXT NOT NULL DEFAULT '[]', left_at_ms INTEGER
) STRICT;
CREATE INDEX people_by_unit ON people (unit_id);
CREATE INDEX people_by_radio ON people (radio_issi);
CREATE TABLE crew_members (
  crew_id TEXT NOT NULL, person_id TEXT NOT NULL, PRIMARY KEY (crew_id, person_id)
) STRICT;
CREATE INDEX crew_members_by_person ON crew_members (person_id);

CREATE TABLE shifts (
  id TEXT PRIMARY KEY, unit_id TEXT NOT NULL, name TEXT NOT NULL, starts TEXT NOT NULL, ends TEXT NOT NULL
) STRICT;
ALTER TABLE duties ADD COLUMN shift_id TEXT;
CREATE TABLE filings (
  id TEXT PRIMARY KEY, crew_id TEXT NOT NULL, duty_id TEXT, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  vehicle_node TEXT, note TEXT, filed_by TEXT NOT NULL, filed_at_ms INTEGER NOT NULL, ended_by TEXT
) STRICT;
CREATE INDEX filings_by_crew ON filings (crew_id, to_ms);
CREATE INDEX filings_by_vehicle ON filings (vehicle_node, to_ms);
CREATE INDEX filings_by_end ON filings (to_ms);
CREATE TABLE filing_people (
  filing_id TEXT NOT NULL, person_id TEXT NOT NULL, radio_issi TEXT, PRIMARY KEY (filing_id, person_id)
) STRICT;
CREATE INDEX filing_people_by_person ON filing_people (person_id);
CREATE INDEX filing_people_by_radio ON filing_people (radio_issi);
CREATE TABLE supervision (
  id INTEGER PRIMARY KEY AUTOINCREMENT, filing_id TEXT NOT NULL, crew_id TEXT NOT NULL, kind TEXT NOT NULL,
  since_ms INTEGER NOT NULL, until_ms INTEGER, fix_at_ms INTEGER, latitude_deg REAL, longitude_deg REAL
) STRICT;
CREATE UNIQUE INDEX one_open_flag ON supervision (filing_id, kind) WHERE until_ms IS NULL;
CREATE INDEX supervision_by_crew ON supervision (crew_id, since_ms);

CREATE TABLE calendars (
  id TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, time_zone TEXT NOT NULL, body TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, created_by TEXT NOT NULL, PRIMARY KEY (id, version)
) STRICT;
CREATE TABLE permits (
  id TEXT PRIMARY KEY, site_id TEXT NOT NULL, number TEXT NOT NULL, rules TEXT NOT NULL DEFAULT '[]',
  from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, issued_by TEXT, note TEXT,
  created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, revoked_at_ms INTEGER, revoked_by TEXT, revoke_cause TEXT
) STRICT;
CREATE INDEX permits_by_site ON permits (site_id, to_ms);
`,
};

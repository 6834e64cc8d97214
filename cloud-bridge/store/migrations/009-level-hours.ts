import type { Migration } from "../migration.ts";

/** Hours of each meter: how long it was heard and how loud it was, for figures that outlive the records. */
export const levelHours: Migration = {
  version: 9,
  name: "level-hours",
  sql: `
CREATE TABLE level_hours (
  node TEXT NOT NULL, device TEXT NOT NULL, subject_id TEXT NOT NULL DEFAULT '', hour_ms INTEGER NOT NULL,
  seconds REAL NOT NULL, valid REAL NOT NULL, energy REAL NOT NULL, lamax_db REAL,
  PRIMARY KEY (node, device, subject_id, hour_ms)
) STRICT;
CREATE INDEX level_hours_by_hour ON level_hours (hour_ms);
CREATE INDEX cases_by_opening ON cases (opened_at_ms);
`,
};

import type { Migration } from "../migration.ts";

/** Accounts by reason, sums that need no parsing, and every word of a run's clock. */
export const custody: Migration = {
  version: 4,
  name: "custody",
  sql: `
ALTER TABLE runs ADD COLUMN reasons TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN stored_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN declared_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN shed_quota INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN shed_expired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN shed_corrupt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN shed_undecodable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN gaps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN time_marks TEXT NOT NULL DEFAULT '[]';
-- sqlite only
UPDATE runs SET
  stored_count = (SELECT coalesce(sum(json_extract(value, '$[1]') - json_extract(value, '$[0]') + 1), 0) FROM json_each(stored)),
  declared_count = (SELECT coalesce(sum(json_extract(value, '$[1]') - json_extract(value, '$[0]') + 1), 0) FROM json_each(declared));
UPDATE runs SET gaps = head - stored_count - declared_count;
UPDATE runs SET time_marks =
  json_array(json_object('seq', 1, 'upMs', 0, 'utcMs', time_offset_ms, 'quality', time_offset_quality))
  WHERE time_offset_ms IS NOT NULL;
-- end
ALTER TABLE runs DROP COLUMN time_offset_ms;
ALTER TABLE runs DROP COLUMN time_offset_quality;
CREATE INDEX runs_by_receipt ON runs (node, first_received_ms, run);
CREATE INDEX runs_with_gaps ON runs (node, listed, gaps) WHERE gaps > 0;
CREATE INDEX runs_sums ON runs (
  node, listed, gaps, head, stored_count, declared_count, shed_quota, shed_expired, shed_corrupt, shed_undecodable
);
ALTER TABLE quarantine ADD COLUMN replayed_at_ms INTEGER;
`,
};

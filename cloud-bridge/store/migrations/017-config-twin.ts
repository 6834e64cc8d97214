import type { Migration } from "../migration.ts";

/** What config a node is to have, what it says it has, and who is brought to a new one together. */
export const configTwin: Migration = {
  version: 17,
  name: "config-twin",
  sql: `
CREATE TABLE node_configs (
  node TEXT NOT NULL,
  revision INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  document TEXT NOT NULL,
  note TEXT,
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  command_id TEXT,
  confirmed_at_ms INTEGER,
  PRIMARY KEY (node, revision)
) STRICT;
CREATE TABLE node_twins (
  node TEXT NOT NULL PRIMARY KEY,
  reported TEXT,
  reported_at_ms INTEGER,
  told_sha256 TEXT,
  told_document TEXT,
  told_at_ms INTEGER
) STRICT;
CREATE TABLE rollouts (
  id TEXT NOT NULL PRIMARY KEY,
  patch TEXT NOT NULL,
  share_pct INTEGER NOT NULL,
  stop_above_pct INTEGER NOT NULL,
  hold_s INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER
) STRICT;
CREATE TABLE rollout_nodes (
  rollout TEXT NOT NULL,
  node TEXT NOT NULL,
  place INTEGER NOT NULL,
  revision INTEGER,
  PRIMARY KEY (rollout, node)
) STRICT;
`,
};

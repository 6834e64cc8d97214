import type { Migration } from "../migration.ts";

/** Evidence as files: their parts, what of them is here, and the keys that vouch for them. */
export const evidence: Migration = {
  version: 3,
  name: "evidence",
  sql: `
ALTER TABLE evidence ADD COLUMN manifest TEXT;
ALTER TABLE evidence ADD COLUMN key_id TEXT;
ALTER TABLE evidence ADD COLUMN sig TEXT;
ALTER TABLE evidence ADD COLUMN signature TEXT NOT NULL DEFAULT 'none';
CREATE INDEX evidence_by_key ON evidence (node, key_id);
CREATE TABLE evidence_parts (
  evidence_id TEXT NOT NULL, name TEXT NOT NULL, node TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
  inline INTEGER NOT NULL, lost TEXT, PRIMARY KEY (evidence_id, name)
) STRICT;
CREATE INDEX evidence_parts_by_blob ON evidence_parts (node, sha256);
CREATE TABLE blobs (
  node TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, received_bytes INTEGER NOT NULL,
  state TEXT NOT NULL, restarts INTEGER NOT NULL, code TEXT, first_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (node, sha256)
) STRICT;
CREATE INDEX blobs_by_age ON blobs (state, updated_at_ms);
CREATE TABLE evidence_keys (
  node TEXT NOT NULL, key_id TEXT NOT NULL, public_key TEXT NOT NULL, state TEXT NOT NULL, first_seen_ms INTEGER NOT NULL,
  PRIMARY KEY (node, key_id)
) STRICT;
`,
};

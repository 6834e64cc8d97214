import { LEVEL_TABLE } from "./level-order.ts";

/** Version 2: rows that go together lie together, and how much lies where is written with them. A row of `setting` has it too. */
export const SCHEMA_VERSION = 2;

export const RECORD_TABLES = `
CREATE TABLE record (
  run_no INTEGER NOT NULL,
  shelf INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  up_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (run_no, shelf, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE tally (
  run_no INTEGER NOT NULL,
  shelf INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  unsent_rows INTEGER NOT NULL,
  unsent_bytes INTEGER NOT NULL,
  PRIMARY KEY (run_no, shelf)
) STRICT, WITHOUT ROWID;
CREATE TABLE story (
  run_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  alarm_id TEXT NOT NULL,
  shelf INTEGER NOT NULL,
  rev INTEGER NOT NULL,
  is_over INTEGER NOT NULL,
  PRIMARY KEY (run_no, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_alarm ON story (alarm_id, shelf, rev, is_over);
CREATE TABLE corrupt (
  run_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (run_no, seq)
) STRICT, WITHOUT ROWID;
`;

export const SCHEMA = `
CREATE TABLE run (
  no INTEGER PRIMARY KEY,
  run TEXT NOT NULL UNIQUE,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  clean INTEGER NOT NULL DEFAULT 0,
  head INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE receipted (
  run_no INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  PRIMARY KEY (run_no, from_seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm (
  alarm_id TEXT PRIMARY KEY,
  device TEXT NOT NULL,
  subject TEXT NOT NULL,
  is_open INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  crc INTEGER
) STRICT, WITHOUT ROWID;
${LEVEL_TABLE}CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
${RECORD_TABLES}`;

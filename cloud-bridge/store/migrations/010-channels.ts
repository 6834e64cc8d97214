import type { Migration } from "../migration.ts";

/** The outbox has addresses, attempts and ends; crews answer from vehicles and by radio. */
export const channels: Migration = {
  version: 10,
  name: "channels",
  sql: `
ALTER TABLE outbox ADD COLUMN address TEXT;
ALTER TABLE outbox ADD COLUMN payload TEXT;
ALTER TABLE outbox ADD COLUMN next_try_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN dead_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN last_error TEXT;
ALTER TABLE outbox ADD COLUMN command_id TEXT;
CREATE INDEX outbox_due ON outbox (next_try_at_ms)
  WHERE delivered_at_ms IS NULL AND cancelled_at_ms IS NULL AND dead_at_ms IS NULL;
CREATE INDEX outbox_proofs ON outbox (command_id)
  WHERE delivered_at_ms IS NULL AND cancelled_at_ms IS NULL AND dead_at_ms IS NULL;
CREATE INDEX outbox_dead ON outbox (dead_at_ms) WHERE dead_at_ms IS NOT NULL;
CREATE TABLE crew_signals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
  n INTEGER, body TEXT NOT NULL, at_ms INTEGER NOT NULL, stamped_at_ms INTEGER NOT NULL, received_at_ms INTEGER NOT NULL,
  done_at_ms INTEGER, outcome TEXT
) STRICT;
CREATE UNIQUE INDEX once_crew_signal ON crew_signals (node, run, seq);
CREATE INDEX crew_signals_waiting ON crew_signals (node, n, id) WHERE done_at_ms IS NULL;
CREATE INDEX crew_signals_by_node ON crew_signals (node, n);
`,
};

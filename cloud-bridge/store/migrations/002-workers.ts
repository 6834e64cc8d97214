import type { Migration } from "../migration.ts";

/** Several processes of one bridge; records that go before their ledger does. */
export const workers: Migration = {
  version: 2,
  name: "workers",
  sql: `
ALTER TABLE nodes ADD COLUMN worker TEXT;
CREATE TABLE kept_hashes (
  node TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (node, run, seq)
) STRICT;
-- sqlite only
CREATE INDEX inbox_by_receipt ON inbox (received_at_ms);
-- end
`,
};

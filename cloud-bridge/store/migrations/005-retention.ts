import type { Migration } from "../migration.ts";

/** What of a node's records retention must leave alone, see retention-holds.ts. */
export const retention: Migration = {
  version: 5,
  name: "retention",
  sql: `
CREATE TABLE retention_holds (
  node TEXT NOT NULL, device TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  PRIMARY KEY (node, device, from_ms)
) STRICT;
`,
};

import type { Migration } from "../migration.ts";

/** What a broker outside must know of nodes: it asks nobody when one connects. */
export const outsideBroker: Migration = {
  version: 7,
  name: "outside-broker",
  sql: `
CREATE TABLE revoked_certificates (
  serial TEXT NOT NULL PRIMARY KEY, node TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
`,
};

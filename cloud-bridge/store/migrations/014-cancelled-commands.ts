import type { Migration } from "../migration.ts";

/** A command that its author, or another keeper, took back before the node answered. */
export const cancelledCommands: Migration = {
  version: 14,
  name: "cancelled-commands",
  sql: `
ALTER TABLE commands ADD COLUMN cancelled_at_ms INTEGER;
ALTER TABLE commands ADD COLUMN cancelled_by TEXT;
`,
};
